//! Rule `panics`: library code returns errors.

use proc_macro2::{Span, TokenStream, TokenTree};

use super::Finding;
use super::test_code::{TestCode, is_in_module};
use super::tokens::{each_sequence, ends_with_separator, is_punct, macro_call};
use super::workspace::Workspace;

const METHODS: [&str; 2] = ["unwrap", "expect"];
const MACROS: [&str; 5] = ["panic", "todo", "unimplemented", "unreachable", "dbg"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut test_modules = Vec::new();
    for (file, tokens) in workspace.crate_sources() {
        let mut test_code = match TestCode::find(&file.path, tokens) {
            Ok(test_code) => test_code,
            Err(error) => {
                let line = error.span().start().line;
                findings.push(Finding::at_line(&file.path, line, error.to_string()));
                continue;
            }
        };
        test_modules.append(&mut test_code.modules);
        for (span, message) in panic_sites(tokens) {
            if !test_code.contains(span) {
                findings.push(Finding::at_line(&file.path, span.start().line, message));
            }
        }
    }
    findings.retain(|finding| {
        let is_test = |module: &String| is_in_module(&finding.file, module);
        !test_modules.iter().any(is_test)
    });
    findings
}

fn panic_sites(tokens: &TokenStream) -> Vec<(Span, String)> {
    let mut sites = Vec::new();
    each_sequence(tokens, &mut |trees| {
        for at in 0..trees.len() {
            if let Some((name, _)) = macro_call(&trees[at..])
                && MACROS.iter().any(|refused| name == refused)
            {
                sites.push((name.span(), format!("`{name}!` in library code")));
            }
            let before = &trees[..at];
            if let TokenTree::Ident(name) = &trees[at]
                && METHODS.iter().any(|refused| name == refused)
                && (ends_with_separator(before)
                    || before.last().is_some_and(|tree| is_punct(tree, '.')))
            {
                sites.push((name.span(), format!("`{name}` in library code")));
            }
        }
    });
    sites
}

#[cfg(test)]
mod tests {
    use super::super::workspace::SourceFile;
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
        let files = files.iter();
        check(&Workspace {
            files: files.map(|&(path, text)| SourceFile::new(path, text).unwrap()).collect(),
            ..Workspace::default()
        })
    }

    fn lines(code: &str) -> Vec<Option<usize>> {
        let findings = findings(&[("crates/a/src/lib.rs", code)]).into_iter();
        findings.map(|finding| finding.line).collect()
    }

    #[test]
    fn every_kind_is_found() {
        for expression in [
            "x.unwrap()",
            "x.expect(\"why\")",
            "x.map(Option::unwrap)",
            "panic!()",
            "todo!()",
            "unimplemented!()",
            "unreachable!(\"why\")",
            "std::dbg!(x)",
            "vec![x.unwrap()]",
        ] {
            let code = format!("\nfn f() {{ {expression}; }}");
            assert_eq!(lines(&code), [Some(2)], "{code}");
        }
    }

    #[test]
    fn relatives_comments_and_strings_pass() {
        let code = "
            /// Like `x.unwrap()`, without the panic!().
            fn f() {
                x.unwrap_or_default(); // x.unwrap()
                x.expect_err(\"panic!()\");
                let s = Settings { mode: expect };
                std::panic::catch_unwind(f);
                assert!(x);
            }";
        assert_eq!(lines(code), []);
    }

    #[test]
    fn test_items_and_test_files_pass() {
        let library = "#[cfg(test)] mod tests { fn f() { x.unwrap() } }\n#[cfg(test)] mod more;\n";
        let test_file = "fn f() { x.unwrap() }";
        assert_eq!(
            findings(&[
                ("crates/a/src/lib.rs", library),
                ("crates/a/src/more.rs", test_file),
                ("crates/a/src/more/deep.rs", test_file),
                ("crates/a/tests/it.rs", test_file),
                ("xtask/src/main.rs", test_file),
            ]),
            []
        );
    }

    #[test]
    fn code_after_a_test_item_is_still_checked() {
        let code = "#[cfg(test)]\nuse a::{b, c};\nfn f() { x.unwrap() }";
        assert_eq!(lines(code), [Some(3)]);
    }
}
