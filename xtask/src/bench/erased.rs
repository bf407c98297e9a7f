//! `cargo xtask bench erased`: without the feature, the macros of profiling leave nothing.
//!
//! The program is built twice in one place: from a copy of the sources, and from that copy
//! without a single span or mark. The functions of both must be the same, and as long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSymbol, SymbolKind};
use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};

use super::build;
use crate::source::tokens::{each_sequence, each_tree, is_punct};
use crate::source::workspace::{SourceFile, listed_files};

/// The macros that are statements, and those whose value a `let` keeps.
const MARKS: [&str; 1] = ["gpu_sync"];
const SPANS: [&str; 2] = ["stage_span", "frame_span"];
/// Where they are defined, and so stay.
const FACADE: &str = "crates/tts-profiling/";
/// Differences that are printed.
const SHOWN: usize = 10;

/// Sizes in bytes of the functions of a name; a name may be that of many.
type Functions = BTreeMap<String, Vec<u64>>;
type Range = (LineColumn, LineColumn);

pub(super) fn run(root: &Path) -> Result<bool> {
    let target = crate::metadata(root)?.target_directory.into_std_path_buf();
    let copy = target.join("erased");
    let files = copy_sources(root, &copy)?;
    allow_unused(&copy)?;
    let usual = functions(&build::e2e_bench(&copy, None, Some(&target))?)?;
    let calls = erase_all(&copy, &files)?;
    let erased = functions(&build::e2e_bench(&copy, None, Some(&target))?)?;
    fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;

    let found = differences(&usual, &erased);
    for line in found.iter().take(SHOWN) {
        println!("{line}");
    }
    let count: usize = usual.values().map(Vec::len).sum();
    println!(
        "{count} functions, {} of them changed by deleting {calls} spans and marks",
        found.len()
    );
    Ok(found.is_empty())
}

/// Copies the files of the workspace at `root`; says which.
fn copy_sources(root: &Path, copy: &Path) -> Result<Vec<String>> {
    if copy.exists() {
        fs::remove_dir_all(copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    let mut files = listed_files(root)?;
    files.retain(|file| root.join(file).is_file());
    for file in &files {
        let (from, to) = (root.join(file), copy.join(file));
        let place = || format!("cannot copy {file} to {}", copy.display());
        fs::create_dir_all(to.parent().unwrap_or(copy)).with_context(place)?;
        fs::copy(&from, &to).with_context(place)?;
    }
    Ok(files)
}

/// Lets the compiler pass over the imports that deleting leaves unused.
fn allow_unused(copy: &Path) -> Result<()> {
    const LINTS: &str = "[workspace.lints.rust]\n";
    let path = copy.join("Cargo.toml");
    let place = || path.display().to_string();
    let text = fs::read_to_string(&path).with_context(place)?;
    let allowed =
        text.replace(LINTS, &format!("{LINTS}unused = {{ level = \"allow\", priority = -1 }}\n"));
    fs::write(&path, allowed).with_context(place)
}

/// Deletes the macro calls of the crates below `copy`; says how many there were.
fn erase_all(copy: &Path, files: &[String]) -> Result<usize> {
    let mut calls = 0;
    for file in files.iter().filter(|file| is_engine(file)) {
        let path = copy.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (erased, found) = erase(file, &text)?;
        if found > 0 {
            fs::write(&path, erased).with_context(|| format!("cannot write {}", path.display()))?;
            calls += found;
        }
    }
    ensure!(calls > 0, "the crates have no spans and no marks");
    Ok(calls)
}

fn is_engine(file: &str) -> bool {
    let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
    is_rust && file.starts_with("crates/") && file.contains("/src/") && !file.starts_with(FACADE)
}

/// The text with blanks where the macro calls were, so that all else keeps its line and
/// column; and how many there were.
fn erase(file: &str, text: &str) -> Result<(String, usize)> {
    let source = SourceFile::new(file, text)?;
    let Some(tokens) = &source.rust else { return Ok((text.to_owned(), 0)) };
    let mut calls = 0;
    each_tree(tokens, &mut |tree| calls += usize::from(is_named(tree, &[&MARKS[..], &SPANS])));
    let imports = imports(tokens);
    let ranges = statements(tokens);
    ensure!(
        ranges.len() + imports == calls,
        "{file}: a span or a mark is no statement of its own; it cannot be deleted"
    );
    let blank = |(line, row): (usize, &str)| -> String {
        let erased = |column| {
            let here = LineColumn { line: line + 1, column };
            ranges.iter().any(|&(start, end)| start <= here && here < end)
        };
        let characters = row.chars().enumerate();
        characters.map(|(column, c)| if c != '\n' && erased(column) { ' ' } else { c }).collect()
    };
    Ok((text.split_inclusive('\n').enumerate().map(blank).collect(), ranges.len()))
}

fn is_named(tree: &TokenTree, names: &[&[&str]]) -> bool {
    matches!(tree, TokenTree::Ident(name) if names.iter().flat_map(|names| *names).any(|n| name == n))
}

/// Names of the macros that are no calls.
fn imports(tokens: &TokenStream) -> usize {
    let mut count = 0;
    each_sequence(tokens, &mut |trees| {
        for (index, tree) in trees.iter().enumerate() {
            let is_call = trees.get(index + 1).is_some_and(|next| is_punct(next, '!'));
            count += usize::from(is_named(tree, &[&MARKS, &SPANS]) && !is_call);
        }
    });
    count
}

/// From where to where the statements are that do nothing but call a macro.
fn statements(tokens: &TokenStream) -> Vec<Range> {
    let mut found = Vec::new();
    each_sequence(tokens, &mut |trees| {
        for (index, first) in trees.iter().enumerate() {
            let statement = &trees[index..];
            let Some(end) = statement.iter().position(|tree| is_punct(tree, ';')) else { break };
            let body = &statement[..end];
            if is_mark(body) || is_span(body) {
                found.push((first.span().start(), statement[end].span().end()));
            }
        }
    });
    found
}

/// `gpu_sync!(…)`
fn is_mark(statement: &[TokenTree]) -> bool {
    matches!(statement, [name, bang, TokenTree::Group(_)]
        if is_named(name, &[&MARKS]) && is_punct(bang, '!'))
}

/// `let _span = …stage_span!(…)…` without a block of other statements in it.
fn is_span(statement: &[TokenTree]) -> bool {
    let [TokenTree::Ident(keyword), TokenTree::Ident(_), equals, value @ ..] = statement else {
        return false;
    };
    let mut calls = 0;
    let mut blocks = 0;
    for tree in value {
        let stream = TokenStream::from(tree.clone());
        each_tree(&stream, &mut |tree| calls += usize::from(is_named(tree, &[&SPANS])));
        blocks += usize::from(is_block(tree));
    }
    keyword == "let" && is_punct(equals, '=') && calls == 1 && blocks == 0
}

fn is_block(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// The functions of a program.
fn functions(program: &PathBuf) -> Result<Functions> {
    let place = || format!("cannot read {}", program.display());
    let data = fs::read(program).with_context(place)?;
    let file = object::File::parse(&*data).with_context(place)?;
    let mut functions = Functions::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let name = symbol.name().with_context(place)?;
        functions.entry(without_hash(name).to_owned()).or_default().push(symbol.size());
    }
    ensure!(!functions.is_empty(), "{} has no symbols", program.display());
    for sizes in functions.values_mut() {
        sizes.sort_unstable();
    }
    Ok(functions)
}

/// The name without the hash that numbers closures, and the one of LLVM for local names.
fn without_hash(name: &str) -> &str {
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    match name.len().checked_sub("17h0123456789abcdefE".len()).map(|end| name.split_at_checked(end))
    {
        Some(Some((rest, hash))) if hash.starts_with("17h") && hash.ends_with('E') => rest,
        _ => name,
    }
}

/// What the second program has otherwise than the first.
fn differences(usual: &Functions, erased: &Functions) -> Vec<String> {
    let names: BTreeSet<_> = usual.keys().chain(erased.keys()).collect();
    let sizes = |functions: &Functions, name| functions.get(name).cloned().unwrap_or_default();
    let differs = names.into_iter().filter_map(|name| {
        let (before, after) = (sizes(usual, name), sizes(erased, name));
        (before != after).then(|| format!("{name}: {before:?} bytes, {after:?} when erased"))
    });
    differs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"use tts_profiling::{Stage, gpu_sync, stage_span};
fn speak() {
    let _span = stage_span!(Stage::Decode);
    let _all = (rows > 1).then(|| stage_span!(
        Stage::Batch));
    let words = {
        gpu_sync!("a.b", SyncClass::PerFrame); read("é")
    };
}
"#;

    #[test]
    fn spans_and_marks_are_erased_and_all_else_keeps_its_place() {
        let (erased, calls) = erase("a.rs", SOURCE).unwrap();
        assert_eq!(calls, 3);
        let lines: Vec<&str> = erased.lines().map(str::trim_end).collect();
        let expected = [
            "use tts_profiling::{Stage, gpu_sync, stage_span};",
            "fn speak() {",
            "",
            "",
            "",
            "    let words = {",
            "                                               read(\"é\")",
            "    };",
            "}",
        ];
        assert_eq!(lines, expected);
        assert_eq!(erased.chars().count(), SOURCE.chars().count());
    }

    #[test]
    fn a_span_inside_of_an_expression_cannot_be_erased() {
        for text in ["fn a() { f(stage_span!(S)); }", "fn a() { let b = { stage_span!(S) }; }"] {
            let error = erase("a.rs", text).unwrap_err().to_string();
            assert!(error.contains("a.rs: a span or a mark is no statement"), "{error}");
        }
    }

    #[test]
    fn a_function_that_is_longer_or_new_is_a_difference() {
        let functions = |list: &[(&str, &[u64])]| -> Functions {
            list.iter().map(|(name, sizes)| ((*name).to_owned(), sizes.to_vec())).collect()
        };
        let usual = functions(&[("a", &[4, 8]), ("b", &[16])]);
        assert!(differences(&usual, &usual).is_empty());
        let erased = functions(&[("a", &[4, 9]), ("c", &[16])]);
        let found = differences(&usual, &erased);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], "a: [4, 8] bytes, [4, 9] when erased");
    }

    #[test]
    fn names_are_compared_without_their_hashes() {
        assert_eq!(without_hash("_ZN1a1b17h638d32f203ce590eE"), "_ZN1a1b");
        assert_eq!(without_hash("_ZN1a1b17h638d32f203ce590eE.llvm.123"), "_ZN1a1b");
        for name in ["main", "memcpy@plt", "_ZN1a1bE", "ééééééééééééé"] {
            assert_eq!(without_hash(name), name);
        }
    }

    #[test]
    fn this_program_has_functions() {
        let functions = functions(&std::env::current_exe().unwrap()).unwrap();
        assert!(functions.len() > 100);
    }
}
