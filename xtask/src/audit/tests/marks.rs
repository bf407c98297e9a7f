//! Which read a mark marks.

use super::{BUDGET, audited, findings, plant};

/// The findings in a function with these statements, whose first is in line 2.
fn statements(code: &str) -> Vec<String> {
    plant(&format!("fn f(t: &Tensor) -> R {{\n{code}\n}}\n"))
}

const MARK: &str = "gpu_sync!(\"a\", SyncClass::Load);";

#[test]
fn a_mark_before_the_statement_of_the_read() {
    for read in [
        "let x = t.to_vec1::<f32>()?;",
        "t.to_vec1()",
        "Ok(wave.to_vec1()?)",
        "samples.extend(t.to_vec1()?);",
        "assert_eq!(t.to_vec1()?, [1]);",
        "for x in t.to_vec1()? { g(x); }",
        "if t.to_scalar()? { g() } else { h() }",
        "let x = unsafe { stream.clone_dtoh(&a) }?;",
        "#[cfg(feature = \"cuda\")] device.synchronize()?;",
        "println!(\"{t}\");",
        "match t.to_scalar()? { 0 => a(), _ => b() }",
    ] {
        assert_eq!(statements(&format!("{MARK}\n{read}")), [""; 0], "{read}");
    }
}

#[test]
fn a_mark_may_be_written_with_a_path_and_in_any_block() {
    let qualified = "tts_profiling::gpu_sync!(\"a\", tts_profiling::SyncClass::PerChunk);";
    assert_eq!(statements(&format!("{qualified}\nt.to_vec1()")), [""; 0]);
    for block in
        ["loop { … }", "if n { … }", "g(|t| { … })", "own!({ … })", "own!(x => { … }; y => z)"]
    {
        let code = block.replace('…', &format!("{MARK} t.to_vec1()"));
        assert_eq!(statements(&code), [""; 0], "{code}");
    }
    let definition = format!("macro_rules! read {{ ($t:expr) => {{{{ {MARK} $t.to_vec1() }}}}; }}");
    assert_eq!(plant(&definition), [""; 0]);
}

#[test]
fn a_mark_anywhere_else_is_stale() {
    let both = ["a:2 stale-mark", "a:3 unmarked-read"];
    assert_eq!(statements(&format!("{MARK}\ng(|t| t.to_vec1());")), both);
    assert_eq!(statements(&format!("{MARK}\ng(|t| {{ t.to_vec1() }});")), both);
    assert_eq!(statements(&format!("{MARK}\ng(Tensor::to_vec1);")), both);
    assert_eq!(statements(&format!("{MARK}\nfor t in list {{ t.to_vec1(); }}")), both);
    assert_eq!(statements(&format!("{MARK}\nwhile t.to_scalar()? {{}}")), both);
    assert_eq!(statements(&format!("{MARK}\nif n {{ t.to_vec1() }}")), both);
    assert_eq!(statements(&format!("{MARK}\nown!(x => {{ t.to_vec1() }});")), both);
    assert_eq!(statements(&format!("{MARK} g();\nt.to_vec1()")), both);
    assert_eq!(statements(&format!("{{ {MARK} }}\nt.to_vec1()")), both);
    let after = ["a:2 unmarked-read", "a:3 stale-mark"];
    assert_eq!(statements(&format!("let x = t.to_vec1();\n{MARK}")), after);
}

#[test]
fn a_mark_without_read_is_stale() {
    assert_eq!(statements(MARK), ["a:2 stale-mark"]);
    assert_eq!(statements(&format!("{MARK}\nlet x = t.exp()?;")), ["a:2 stale-mark"]);
    assert_eq!(statements("g(gpu_sync!(\"a\", SyncClass::Load), t);"), ["a:2 stale-mark"]);
    assert_eq!(statements("own!(x => gpu_sync!(\"a\", SyncClass::Load));"), ["a:2 stale-mark"]);
    let two = format!("{MARK}\ngpu_sync!(\"b\", SyncClass::Load);\nt.to_vec1()");
    assert_eq!(statements(&two), ["a:2 stale-mark"]);
}

#[test]
fn a_mark_marks_one_read() {
    assert_eq!(
        statements(&format!("{MARK}\nlet x = (t.to_vec1()?, u.to_vec1()?);")),
        ["a:3 unmarked-read"]
    );
    assert_eq!(statements(&format!("{MARK}\nt.to_vec1();\nt.to_vec1()")), ["a:4 unmarked-read"]);
}

#[test]
fn a_mark_is_a_name_and_a_class() {
    for mark in [
        "gpu_sync!(NAME, SyncClass::Load);",
        "gpu_sync!(\"a\", SyncClass::Never);",
        "gpu_sync!(\"a\", class());",
        "gpu_sync!(\"a\");",
    ] {
        assert_eq!(statements(&format!("{mark}\nt.to_vec1()")), ["a:2 malformed-mark"], "{mark}");
    }
}

#[test]
fn the_name_of_a_site_is_unique() {
    let twice = format!("{MARK} t.to_vec1();\n{MARK} t.to_vec1();");
    assert_eq!(statements(&twice), ["a:3 duplicate-site"]);
    let same = "fn f(t: &Tensor) {\ngpu_sync!(\"frame\", SyncClass::PerFrame);\nt.to_vec1(); }";
    let report = audited(BUDGET, &[("crates/tts-nn/src/b.rs", same)]);
    assert_eq!(findings(&report).len(), 1);
    assert!(report.findings[0].message.contains("`frame` is marked at crates/tts"));
    let in_test = format!("#[cfg(test)] mod tests {{ {same} }}");
    assert_eq!(plant(&in_test), [""; 0]);
}

#[test]
fn a_hot_crate_reads_in_marked_functions_only() {
    let hot = |code: &str| findings(&audited(BUDGET, &[("crates/tts-nn/src/a.rs", code)]));
    let read = "impl Norm { fn f(&self) {\nself.weight.to_vec1(); } }";
    assert_eq!(hot(read), ["a:2 hot-crate-read"]);
    let macro_body = "macro_rules! read { ($t:expr) => {\n$t.to_vec1() }; }";
    assert_eq!(hot(macro_body), ["a:2 hot-crate-read"]);
    let elsewhere =
        format!("fn g(t: &Tensor) {{ {MARK} t.to_vec1(); }} fn f(t: &Tensor) {{\nt.to_vec1(); }}");
    assert_eq!(hot(&elsewhere), ["a:2 hot-crate-read"]);
    let second = format!("fn f(t: &Tensor) {{ {MARK} t.to_vec1();\nt.to_vec1(); }}");
    assert_eq!(hot(&second), ["a:2 unmarked-read"]);
    assert_eq!(hot(&format!("fn f(t: &Tensor) {{ {MARK}\nt.to_vec1(); }}")), [""; 0]);
}
