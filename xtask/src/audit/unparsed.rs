//! Code inside macros, visited as far as it can be parsed and by its tokens where not.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::Visit;

use super::macros;
use super::reads::{MARK, TO_DEVICE, is_read, mentions_cpu};
use super::scan::Scanner;
use crate::source::tokens::{ends_with_separator, is_punct, macro_call};

/// Visits the arguments of a macro call.
pub(super) fn arguments(scanner: &mut Scanner<'_>, tokens: &TokenStream) {
    if let Some(expressions) = macros::expressions(tokens) {
        for expression in &expressions {
            scanner.visit_expr(expression);
        }
    } else {
        body(scanner, tokens);
    }
}

/// Visits statements or, where they cannot be parsed, tokens.
pub(super) fn body(scanner: &mut Scanner<'_>, tokens: &TokenStream) {
    if let Some(statements) = macros::statements(tokens) {
        scanner.statements(&statements);
    } else {
        sequence(scanner, tokens);
    }
}

/// Visits `tokens`; what stands between semicolons counts as a statement.
fn sequence(scanner: &mut Scanner<'_>, tokens: &TokenStream) {
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    let outer = scanner.cover;
    for statement in trees.split(|tree| is_punct(tree, ';')) {
        if let Some((name, arguments)) = macro_call(statement)
            && name == MARK
        {
            scanner.cover = Some(scanner.mark(&arguments.stream(), name.span()));
        } else {
            within_statement(scanner, statement);
            scanner.cover = None;
        }
    }
    scanner.cover = outer;
}

fn within_statement(scanner: &mut Scanner<'_>, trees: &[TokenTree]) {
    for (at, tree) in trees.iter().enumerate() {
        let (before, after) = (&trees[..at], trees.get(at + 1));
        if let Some((name, arguments)) = macro_call(&trees[at..]) {
            scanner.macro_itself(name, &arguments.stream());
        }
        match tree {
            TokenTree::Ident(name) => {
                let name = name.to_string();
                let reads = match after {
                    Some(TokenTree::Group(group)) if name == TO_DEVICE => {
                        mentions_cpu(&group.stream(), &scanner.names)
                    }
                    _ => is_read(&name),
                };
                if reads && is_use(before, after) {
                    scanner.read(name, tree.span());
                }
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                scanner.apart(|scanner| body(scanner, &group.stream()));
            }
            TokenTree::Group(group) => arguments(scanner, &group.stream()),
            _ => {}
        }
    }
}

/// Whether the name between `before` and `after` is a method, part of a path or a call, and
/// not a function that is being defined.
fn is_use(before: &[TokenTree], after: Option<&TokenTree>) -> bool {
    let previous = before.last();
    let is_call = matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let is_definition = matches!(previous, Some(TokenTree::Ident(word)) if word == "fn");
    ends_with_separator(before)
        || previous.is_some_and(|tree| is_punct(tree, '.'))
        || (is_call && !is_definition)
}
