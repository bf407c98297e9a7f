//! Walks over token trees.
//!
//! Rules look at tokens and not at a syntax tree, so that code inside macro
//! calls and code that is configured away is checked like any other.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Calls `visit` with the trees of `tokens` and, after that, of each group in it.
pub(crate) fn each_sequence(tokens: &TokenStream, visit: &mut dyn FnMut(&[TokenTree])) {
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    visit(&trees);
    for tree in &trees {
        if let TokenTree::Group(group) = tree {
            each_sequence(&group.stream(), visit);
        }
    }
}

/// Calls `visit` with each tree of `tokens`, at any depth.
pub(crate) fn each_tree(tokens: &TokenStream, visit: &mut dyn FnMut(&TokenTree)) {
    each_sequence(tokens, &mut |trees| trees.iter().for_each(&mut *visit));
}

/// The macro call `name!(...)` that `trees` begins with.
pub(crate) fn macro_call(trees: &[TokenTree]) -> Option<(&Ident, &Group)> {
    match trees {
        [TokenTree::Ident(name), bang, TokenTree::Group(arguments), ..] if is_punct(bang, '!') => {
            Some((name, arguments))
        }
        _ => None,
    }
}

/// The attribute `#[...]` or `#![...]` that `trees` begins with.
pub(crate) fn attribute(trees: &[TokenTree]) -> Option<&Group> {
    let (hash, rest) = trees.split_first()?;
    let rest = match rest {
        [bang, rest @ ..] if is_punct(bang, '!') => rest,
        rest => rest,
    };
    match rest {
        [TokenTree::Group(group), ..]
            if is_punct(hash, '#') && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// Whether `trees` ends with the path separator `::`.
pub(crate) fn ends_with_separator(trees: &[TokenTree]) -> bool {
    matches!(trees, [.., first, second] if is_punct(first, ':') && is_punct(second, ':'))
}

/// Whether `tree` is the punctuation character `character`.
pub(crate) fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}
