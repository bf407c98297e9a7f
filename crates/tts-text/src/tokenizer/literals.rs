use std::cmp::Reverse;

use crate::vocabulary::AddedToken;

/// The added tokens, longest first.
#[derive(Debug)]
pub(super) struct LiteralSet(Vec<AddedToken>);

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Ordinary text, never empty.
    Text(&'a str),
    /// The literal of an added token.
    Added(u32),
}

impl LiteralSet {
    pub(super) fn new(mut tokens: Vec<AddedToken>) -> Self {
        tokens.sort_by_key(|token| Reverse(token.content.len()));
        Self(tokens)
    }

    /// The id of a literal.
    pub(super) fn id(&self, literal: &str) -> Option<u32> {
        self.0.iter().find(|token| token.content == literal).map(|token| token.id)
    }

    /// Cuts a text at the literals in it: the leftmost first, of several at one
    /// place the longest.
    pub(super) fn split<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, token, after)) = self.first_in(rest) {
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Added(token));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    fn first_in<'a>(&self, text: &'a str) -> Option<(&'a str, u32, &'a str)> {
        text.char_indices().find_map(|(at, _)| {
            let (before, from_here) = text.split_at_checked(at)?;
            let (token, after) = self
                .0
                .iter()
                .find_map(|token| Some((token, from_here.strip_prefix(token.content.as_str())?)))?;
            Some((before, token.id, after))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LiteralSet, Piece};
    use crate::vocabulary::AddedToken;

    fn set(tokens: &[(&str, u32)]) -> LiteralSet {
        let token = |&(content, id): &(&str, u32)| AddedToken { content: content.to_owned(), id };
        LiteralSet::new(tokens.iter().map(token).collect())
    }

    #[test]
    fn the_leftmost_and_then_the_longest_literal_wins() {
        let set = set(&[("<a>", 1), ("<a><b>", 2), ("b><", 3)]);
        let pieces = set.split("é<a><b>x<a>b><");
        let expected =
            [Piece::Text("é"), Piece::Added(2), Piece::Text("x"), Piece::Added(1), Piece::Added(3)];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn text_without_literals_is_one_piece() {
        assert_eq!(set(&[("<a>", 1)]).split("< a >"), [Piece::Text("< a >")]);
        assert_eq!(set(&[]).split(""), []);
    }
}
