//! Rule `span-names`: spans are opened through the profiling facade, and are
//! named by its `Stage` enum.
//!
//! One closed list of names is what lets every report (traces, flamegraphs,
//! timings) be read against every other.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::Lit;

use super::Finding;
use super::tokens::{
    attribute, each_sequence, each_tree, ends_with_separator, is_punct, macro_call,
};
use super::workspace::Workspace;

/// The one crate that may name `tracing`.
const FACADE: &str = "crates/tts-profiling/";

const TRACING_MACROS: [&str; 6] =
    ["span", "error_span", "warn_span", "info_span", "debug_span", "trace_span"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, tokens) in workspace.crate_sources() {
        if !file.path.starts_with(FACADE) {
            let found = check_tokens(tokens).into_iter();
            findings
                .extend(found.map(|(line, message)| Finding::at_line(&file.path, line, message)));
        }
    }
    findings
}

fn check_tokens(tokens: &TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    each_sequence(tokens, &mut |trees| {
        for at in 0..trees.len() {
            let rest = &trees[at..];
            if let Some((name, arguments)) = macro_call(rest) {
                found.extend(macro_finding(name, arguments));
            }
            if let Some(attribute) = attribute(rest) {
                found.extend(attribute_finding(attribute));
            }
            if starts_tracing_path(&trees[..at], rest) {
                found.push((line(&trees[at]), "names `tracing`".into()));
            }
        }
    });
    found
}

fn macro_finding(name: &Ident, arguments: &Group) -> Option<(usize, String)> {
    let text = name.to_string();
    if TRACING_MACROS.contains(&text.as_str()) {
        return Some((name.span().start().line, format!("uses `{text}!`")));
    }
    if !text.ends_with("_span") {
        return None;
    }
    let mut finding = None;
    each_tree(&arguments.stream(), &mut |tree| {
        if is_string(tree) {
            let message = format!("string in `{text}!`: name the span by a `Stage`");
            finding.get_or_insert((line(tree), message));
        }
    });
    finding
}

fn attribute_finding(attribute: &Group) -> Option<(usize, String)> {
    let mut finding = None;
    each_tree(&attribute.stream(), &mut |tree| {
        if matches!(tree, TokenTree::Ident(ident) if ident == "instrument") {
            finding.get_or_insert((line(tree), "uses `#[instrument]`".into()));
        }
    });
    finding
}

/// Whether a path `tracing::` or `::tracing::` has its crate name at the start
/// of `rest`. A module of that name inside another path does not count.
fn starts_tracing_path(before: &[TokenTree], rest: &[TokenTree]) -> bool {
    let names_tracing = match rest {
        [TokenTree::Ident(name), first, second, ..] => {
            name == "tracing" && is_punct(first, ':') && is_punct(second, ':')
        }
        _ => false,
    };
    let continues_path = match before {
        [path @ .., _, _] if ends_with_separator(before) => {
            matches!(path.last(), Some(TokenTree::Ident(_)))
        }
        _ => false,
    };
    names_tracing && !continues_path
}

fn is_string(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Literal(literal) => {
            matches!(Lit::new(literal.clone()), Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_))
        }
        _ => false,
    }
}

fn line(tree: &TokenTree) -> usize {
    tree.span().start().line
}

#[cfg(test)]
mod tests {
    use super::super::workspace::SourceFile;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Workspace {
            files: vec![SourceFile::new(path, text).unwrap()],
            ..Workspace::default()
        })
    }

    fn messages(text: &str) -> Vec<String> {
        let findings = findings("crates/tts-nn/src/lib.rs", text).into_iter();
        findings.map(|finding| finding.message).collect()
    }

    #[test]
    fn tracing_macros_are_found_wherever_they_hide() {
        for name in TRACING_MACROS {
            for code in [
                format!("fn f() {{ let _s = {name}!(\"x\"); }}"),
                format!("fn f() {{ vec![{{ {name}!(\"x\") }}] }}"),
                format!("macro_rules! m {{ () => {{ {name}!(Level::INFO) }} }}"),
                format!("#[cfg(never)] fn f() {{ {name}!(\"x\"); }}"),
                format!("#[cfg(test)] mod tests {{ fn f() {{ {name}!(\"x\"); }} }}"),
            ] {
                assert_eq!(messages(&code), [format!("uses `{name}!`")], "{code}");
            }
        }
    }

    #[test]
    fn instrument_is_found() {
        for attribute in ["instrument", "instrument(skip(a))", "cfg_attr(p, instrument)"] {
            let code = format!("#[{attribute}] fn f() {{}}");
            assert_eq!(messages(&code), ["uses `#[instrument]`"], "{code}");
        }
    }

    #[test]
    fn tracing_paths_are_found() {
        for code in ["use tracing::Level;", "type L = ::tracing::Level;", "use {tracing::Level};"] {
            assert_eq!(messages(code), ["names `tracing`"], "{code}");
        }
        assert!(messages("use crate::tracing::level;").is_empty());
    }

    #[test]
    fn strings_in_facade_macros_are_found() {
        for string in ["\"foo\"", "r#\"foo\"#", "concat!(\"foo\")"] {
            let code = format!("fn f() {{ stage_span!({string}); }}");
            let expected = "string in `stage_span!`: name the span by a `Stage`";
            assert_eq!(messages(&code), [expected], "{code}");
        }
    }

    #[test]
    fn comments_stages_and_comparisons_pass() {
        let code = "
            //! Not `tracing::info_span!(\"x\")`.
            /// Replaces info_span!(\"x\") and #[instrument].
            fn f() {
                // info_span!(\"x\")
                stage_span!(Stage::Prefill);
                let same = span != other;
                let text = \"info_span!(x) tracing::Level\";
            }";
        assert_eq!(messages(code), [""; 0]);
    }

    #[test]
    fn findings_carry_the_line_and_spare_the_facade() {
        let code = "\nfn f() {\n    info_span!(\"x\");\n}\n";
        assert_eq!(findings("crates/tts-nn/src/a/b.rs", code)[0].line, Some(3));
        assert_eq!(findings("crates/tts-profiling/src/lib.rs", code), []);
        assert_eq!(findings("crates/tts-nn/tests/a.rs", code), []);
    }
}
