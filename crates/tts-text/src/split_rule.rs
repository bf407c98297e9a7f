/// How text is cut into pieces before BPE (`docs/model.md`, section 1.5).
///
/// Loading the same files, the reference implementation uses one rule or the
/// other depending on where they lie. Plain Chinese, lower-case and ordinarily
/// capitalised English are the same under both; camel case, capitals after an
/// apostrophe, combining marks and slashes are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitRule {
    /// The rule of the Qwen2 family.
    #[default]
    Qwen2,
    /// The rule of the Tekken tokenizers: splits camel case, keeps combining
    /// marks with their letters.
    Tekken,
}

impl SplitRule {
    pub(crate) const fn regex(self) -> &'static str {
        match self {
            Self::Qwen2 => concat!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
                r"|[^\r\n\p{L}\p{N}]?\p{L}+",
                r"|\p{N}",
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*",
                r"|\s*[\r\n]+|\s+(?!\S)|\s+",
            ),
            Self::Tekken => concat!(
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
                r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
                r"|\p{N}",
                r"| ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"|\s*[\r\n]+|\s+(?!\S)|\s+",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::SplitDelimiterBehavior::Isolated;
    use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::SplitRule;

    fn pieces(rule: SplitRule, text: &str) -> Vec<String> {
        let pattern = SplitPattern::Regex(rule.regex().to_owned());
        let split = Split::new(pattern, Isolated, false).expect("a regex");
        let mut pieces = PreTokenizedString::from(text);
        split.pre_tokenize(&mut pieces).expect("no failure");
        let pieces = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
        pieces.into_iter().map(|(piece, _, _)| piece.to_owned()).collect()
    }

    #[test]
    fn the_rules_cut_alike_where_texts_are_plain() {
        for (text, expected) in [
            (
                "Hello world, it is  me.",
                &["Hello", " world", ",", " it", " is", " ", " me", "."][..],
            ),
            ("今天很好。", &["今天很好", "。"]),
            ("a1 23\n\n b", &["a", "1", " ", "2", "3", "\n\n", " b"]),
            ("x!\n\ny  \n z ", &["x", "!\n\n", "y", "  \n", " z", " "]),
        ] {
            assert_eq!(pieces(SplitRule::Qwen2, text), expected);
            assert_eq!(pieces(SplitRule::Tekken, text), expected);
        }
    }

    #[test]
    fn the_rules_differ_where_they_are_known_to() {
        for (text, qwen2, tekken) in [
            ("HelloWorld", &["HelloWorld"][..], &["Hello", "World"][..]),
            ("O'Donnell", &["O", "'D", "onnell"], &["O", "'Donnell"]),
            ("न\u{93f}", &["न", "\u{93f}"], &["न\u{93f}"]),
            ("!/a", &["!/", "a"], &["!/", "a"]),
            ("!\n/a", &["!\n", "/a"], &["!\n/", "a"]),
        ] {
            assert_eq!(pieces(SplitRule::Qwen2, text), qwen2);
            assert_eq!(pieces(SplitRule::Tekken, text), tekken);
        }
    }
}
