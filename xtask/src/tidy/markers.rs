//! Rule `markers`: no comment postpones work.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

use super::Finding;
use super::tokens::each_tree;
use super::workspace::{SourceFile, Workspace};

const MARKERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let files = workspace.rust_files();
    files.flat_map(|(file, tokens)| check_file(file, tokens)).collect()
}

fn check_file(file: &SourceFile, tokens: &TokenStream) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in comments(&file.text, tokens).lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(marker) = words.find(|word| MARKERS.contains(word)) {
            let message = format!("comment with `{marker}`");
            findings.push(Finding::at_line(&file.path, index + 1, message));
        }
    }
    findings
}

/// `text` with the literals and identifiers blanked, lines kept: the words that
/// are left stand in comments.
fn comments(text: &str, tokens: &TokenStream) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for token in words(text, tokens) {
        kept.push_str(&text[end..token.start]);
        kept.extend(text[token.clone()].chars().map(|c| match c {
            '\n' => '\n',
            _ => ' ',
        }));
        end = token.end;
    }
    kept.push_str(&text[end..]);
    kept
}

/// Where the literals and identifiers of `text` are, in order. The lexer makes
/// attributes of doc comments, with the span of the comment: those are left out.
fn words(text: &str, tokens: &TokenStream) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    each_tree(tokens, &mut |tree| {
        let range = tree.span().byte_range();
        let is_word = matches!(tree, TokenTree::Ident(_) | TokenTree::Literal(_));
        if is_word && !text[range.clone()].starts_with('/') {
            ranges.push(range);
        }
    });
    ranges.sort_by_key(|range| range.start);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(code: &str) -> Vec<Option<usize>> {
        let workspace = Workspace {
            files: vec![SourceFile::new("a.rs", code).unwrap()],
            ..Workspace::default()
        };
        let findings = check(&workspace).into_iter();
        findings.map(|finding| finding.line).collect()
    }

    #[test]
    fn markers_are_found_in_every_kind_of_comment() {
        for marker in MARKERS {
            for comment in [
                format!("// {marker}: later"),
                format!("/// é {marker}"),
                format!("//! {marker}"),
                format!("/* ({marker}) */"),
                format!("/** {marker} */"),
            ] {
                let code = format!("{comment}\nfn f() {{}}");
                assert_eq!(lines(&code), [Some(1)], "{code}");
            }
        }
    }

    #[test]
    fn lines_count_through_strings_and_blocks() {
        let code = "const A: &str = \"é\n TODO\n\";\n/* one\nFIXME */\nfn f() {}";
        assert_eq!(lines(code), [Some(5)]);
    }

    #[test]
    fn code_strings_and_longer_words_pass() {
        let code = "const TODO: &str = \"// FIXME\"; // TODOS, XXXL, todo, NO_TODO";
        assert_eq!(lines(code), []);
    }
}
