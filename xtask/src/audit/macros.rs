//! Code inside macro calls and macro definitions, as far as it can be parsed.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Block, Expr, Stmt, Token};

use crate::source::tokens::is_punct;

/// The expressions that `tokens` are: separated by commas, or `value; count`.
pub(super) fn expressions(tokens: &TokenStream) -> Option<Vec<Expr>> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated;
    if let Ok(list) = list.parse2(tokens.clone()) {
        return Some(list.into_iter().collect());
    }
    let repeated = |input: syn::parse::ParseStream<'_>| {
        let value: Expr = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(vec![value, input.parse()?])
    };
    repeated.parse2(tokens.clone()).ok()
}

/// The statements that `tokens` are.
pub(super) fn statements(tokens: &TokenStream) -> Option<Vec<Stmt>> {
    Block::parse_within.parse2(tokens.clone()).ok()
}

/// What the rules of a macro definition with the body `rules` expand to, in the form of
/// plain code: `$name` is the name, `$(…),*` is its content, once.
pub(super) fn expansions(rules: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<_> = rules.clone().into_iter().collect();
    let bodies = trees.windows(3).filter_map(|window| match window {
        [equals, greater, TokenTree::Group(body)]
            if is_punct(equals, '=') && is_punct(greater, '>') =>
        {
            Some(without_dollars(&body.stream()))
        }
        _ => None,
    });
    bodies.collect()
}

fn without_dollars(tokens: &TokenStream) -> TokenStream {
    let mut plain = TokenStream::new();
    let mut trees = tokens.clone().into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            dollar if is_punct(&dollar, '$') => {
                let next = trees.peek();
                if let Some(TokenTree::Group(group)) = next
                    && group.delimiter() == Delimiter::Parenthesis
                {
                    plain.extend(without_dollars(&group.stream()));
                    trees.next();
                    skip_repetition(&mut trees);
                }
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_dollars(&group.stream()));
                inner.set_span(group.span());
                plain.extend([TokenTree::Group(inner)]);
            }
            other => plain.extend([other]),
        }
    }
    plain
}

/// Skips what stands behind `$(…)`: a separator, if any, and `*`, `+` or `?`.
fn skip_repetition(trees: &mut impl Iterator<Item = TokenTree>) {
    let is_operator = |tree: &TokenTree| ['*', '+', '?'].iter().any(|&sign| is_punct(tree, sign));
    let mut ended = false;
    while !ended {
        ended = trees.next().is_none_or(|tree| is_operator(&tree));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_expressions() {
        let count = |code: &str| expressions(&code.parse().unwrap()).map(|list| list.len());
        assert_eq!(count("a, b(c), \"d\""), Some(3));
        assert_eq!(count("a; 3"), Some(2));
        assert_eq!(count("x = ?a"), None);
    }

    #[test]
    fn definitions_become_plain_code() {
        let expand = |rules: &str| {
            let expansions = expansions(&rules.parse().unwrap());
            expansions.iter().map(|code| code.to_string().replace(' ', "")).collect::<Vec<_>>()
        };
        assert_eq!(expand("($t:expr) => { $t.to_vec1() };"), ["t.to_vec1()"]);
        assert_eq!(expand("($($t:ident),*) => { $(f($t);)* g() }"), ["f(t);g()"]);
        assert_eq!(expand("() => { [$($t),+] }; (a) => ($crate::b!())"), ["[t]", "crate::b!()"]);
    }
}
