//! Every kind of read is caught, wherever it hides.

use super::{BUDGET, audited, plant, unmarked};

/// Checks that `code` has exactly one read, `what`, in line 2.
#[track_caller]
fn caught(what: &str, code: &str) {
    assert_eq!(unmarked(code), [(what.to_owned(), 2)], "{code}");
    assert_eq!(plant(code), ["a:2 unmarked-read"], "{code}");
}

/// As [`caught`], of a statement in a function that has a tensor `t`.
#[track_caller]
fn caught_statement(what: &str, statement: &str) {
    caught(
        what,
        &format!("fn f(t: &Tensor, stream: &Stream, device: &Device) -> R {{\n{statement}\n}}\n"),
    );
}

#[track_caller]
fn clean_statement(statement: &str) {
    let code = format!("fn f(t: &Tensor, device: &Device, n: usize) -> R {{\n{statement}\n}}\n");
    assert_eq!(unmarked(&code), [], "{code}");
}

#[test]
fn every_kind_of_read() {
    caught_statement("to_vec0", "let x = t.to_vec0::<f32>()?;");
    caught_statement("to_vec1", "let x = t.to_vec1::<f32>()?;");
    caught_statement("to_vec2", "t.to_vec2()");
    caught_statement("to_vec3", "return t.to_vec3();");
    caught_statement("to_scalar", "if t.to_scalar::<f32>()? > 0.0 {}");
    caught_statement("synchronize", "device.synchronize()?;");
    caught_statement("memcpy_dtoh", "stream.memcpy_dtoh(&a, &mut b)?;");
    caught_statement("clone_dtoh", "let x = stream.clone_dtoh(&a)?;");
    caught_statement("memcpy_dtov", "let x = stream.memcpy_dtov(&a)?;");
    caught_statement("dtoh_sync_copy_into", "device.dtoh_sync_copy_into(&a, &mut b)?;");
    caught_statement("cuMemcpyDtoH_v2", "unsafe { sys::cuMemcpyDtoH_v2(a, b, n) };");
    caught_statement("cuStreamSynchronize", "unsafe { cuStreamSynchronize(stream) };");
    caught_statement("to_cpu_storage", "let x = storage.to_cpu_storage()?;");
}

#[test]
fn moves_to_the_cpu() {
    caught_statement("to_device", "let x = t.to_device(&Device::Cpu)?;");
    caught_statement("to_device", "let x = t.to_device(&candle_core::Device::Cpu)?;");
    caught_statement("to_device", "let x = t.to_device(&self.host_device)?;");
    caught_statement("to_device", "let d = Device::Cpu; let x = t.to_device(&d)?;");
    caught_statement("to_device", "let x = Tensor::to_device(t, &Device::Cpu)?;");
    caught_statement(
        "to_device",
        "let x = list.map(|t| t.to_device(HERE)); const HERE: &Device = &Device::Cpu;",
    );
    clean_statement("let x = t.to_device(device)?;");
    clean_statement("let x = t.to_device(self.weight.device())?;");
}

#[test]
fn what_is_on_the_cpu_already_is_one_read() {
    caught_statement(
        "to_device",
        "let x = t.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;",
    );
    caught_statement(
        "to_device",
        "let x = t.to_device(&Device::Cpu)?; let y = x.to_vec1::<f32>()?;",
    );
}

#[test]
fn formatted_tensors() {
    caught_statement("println!", "println!(\"{t}\");");
    caught_statement("format!", "let x = format!(\"{:?}\", t);");
    caught_statement("format!", "let x = t.exp()?; format!(\"{x:?}\");");
    caught_statement("info!", "tracing::info!(t = ?t);");
    caught_statement("to_string", "let x = t.to_string();");
    caught_statement("fmt", "fmt::Display::fmt(t, f)");
    caught_statement("dbg!", "let x: Vec<Tensor> = g(); dbg!(&x);");
    caught_statement("dbg!", "let x = list.iter().map(|one: &Tensor| dbg!(one));");
    caught_statement("print!", "for one in t.chunk(2, 0)? { print!(\"{one}\"); }");
    caught(
        "write!",
        "struct A { weight: Tensor } impl A { fn f(&self) {\nwrite!(f, \"{}\", self.weight) } }",
    );
    caught("warn!", "fn g() -> Result<Tensor> { h() } fn f() {\nwarn!(\"{}\", g()?); }");
    clean_statement("println!(\"{:?} {n}\", t.dims());");
    clean_statement("let t = n; println!(\"{t}\");");
    clean_statement("for (i, x) in t.chunk(2, 0)?.iter().enumerate() { print!(\"{i}\"); }");
    clean_statement("let shape = t.shape(); println!(\"{shape:?}\");");
}

#[test]
fn reads_that_are_configured_away() {
    caught_statement("synchronize", "#[cfg(feature = \"cuda\")] device.synchronize()?;");
    caught("to_vec1", "#[cfg(feature = \"cuda\")] fn f(t: &Tensor) {\nt.to_vec1(); }");
    caught(
        "to_vec1",
        "#[cfg(feature = \"cuda\")] mod cuda { impl A { fn f(&self) {\nself.0.to_vec1(); } } }",
    );
    caught("to_vec1", "#[cfg(not(test))] fn f(t: &Tensor) {\nt.to_vec1(); }");
}

#[test]
fn reads_in_macro_calls() {
    caught_statement("to_vec1", "let x = vec![t.to_vec1()?];");
    caught_statement("to_vec1", "let x = vec![t.to_vec1()?; 2];");
    caught_statement("to_scalar", "assert!(t.to_scalar::<f32>()? > 0.0);");
    caught_statement("to_scalar", "assert_eq!(1, t.to_scalar::<u32>()?, \"{}\", 1);");
    caught_statement("to_vec1", "println!(\"{:?}\", vec![t.to_vec1()?]);");
    caught_statement("to_vec1", "own!(let x = t.to_vec1()?; x);");
    caught_statement("to_vec1", "own!(a => t.to_vec1(), b => 1);");
    caught_statement("to_vec1", "own!(a => { let x = t.to_vec1::<f32>()?; x });");
    caught_statement("to_vec1", "own!(a => Tensor::to_vec1(&t));");
    caught_statement("to_device", "own!(a => t.to_device(&Device::Cpu));");
    caught_statement("println!", "own!(a => println!(\"{t}\"));");
    caught_statement("to_scalar", "tracing::info!(name: \"x\", value = t.to_scalar::<f32>()?);");
    caught_statement("memcpy_dtoh_sync", "own!(a => memcpy_dtoh_sync(a, b));");
    caught("to_vec1", "own! { a => fn f(t: &Tensor) {\nt.to_vec1(); } }");
    clean_statement("own!(a => t.to_device(device), fn to_vec1() {});");
}

#[test]
fn reads_in_macro_definitions() {
    caught("to_vec1", "macro_rules! read { ($t:expr) => {\n$t.to_vec1()? }; }");
    caught("to_vec1", "macro_rules! read { ($($t:expr),*) => { [$(\n$t.to_vec1()?),*] }; }");
    caught(
        "to_vec1",
        "macro_rules! read { ($t:ty) => { impl Read for $t { fn read(&self) {\nself.to_vec1() } } }; }",
    );
    caught(
        "to_vec1",
        "fn f() { macro_rules! read { () => {}; ($t:expr, $d:expr) => {{\nlet x = Tensor::to_vec1(&$t); x }}; } }",
    );
    let report = audited(
        BUDGET,
        &[("crates/tts/src/a.rs", "macro_rules! read { ($t:expr) => { $t.to_vec1() }; }")],
    );
    assert_eq!(report.sites[0].place.function, "macro read!");
}

#[test]
fn reads_in_every_expression() {
    caught_statement("to_vec1", "let x = list.iter().map(|t| t.to_vec1::<f32>()).collect();");
    caught_statement("to_vec1", "let x = list.iter().map(Tensor::to_vec1::<f32>).collect();");
    caught_statement("to_vec1", "let x = Tensor::to_vec1::<f32>(&t)?;");
    caught_statement("to_vec1", "let x = <Tensor>::to_vec1::<f32>(&t)?;");
    caught_statement("to_vec1", "let x = t.flatten_all()?.to_dtype(D)?.to_vec1::<f32>()?.len();");
    caught_statement("to_scalar", "while t.to_scalar::<u8>()? == 0 {}");
    caught_statement("to_vec1", "let x = async { t.to_vec1() };");
    caught_statement("to_vec1", "match n { 0 => Ok(t.to_vec1()?), _ => none() }");
    caught("to_vec1", "static X: LazyLock<V> = LazyLock::new(|| {\nt().to_vec1() });");
    caught("to_vec1", "trait A { fn f(t: &Tensor) {\nt.to_vec1(); } }");
}

#[test]
fn a_read_under_another_name() {
    assert_eq!(plant("use driver::memcpy_dtoh_sync as copy;\n"), ["a:1 renamed-read"]);
    assert_eq!(plant("use tts_profiling::{gpu_sync as mark, Stage};\n"), ["a:1 renamed-read"]);
    assert_eq!(plant("use driver::memcpy_dtoh_sync;\nuse a::b as c;\n"), [""; 0]);
}

#[test]
fn tests_need_no_marks() {
    let read = "fn f(t: &Tensor) { t.to_vec1(); }";
    let in_tests = [
        ("crates/tts/src/a.rs", format!("#[cfg(test)] mod tests {{ {read} }}")),
        ("crates/tts/src/b.rs", format!("#[test] {read}")),
        ("crates/tts/src/c.rs", "#[cfg(test)] mod d;".into()),
        ("crates/tts/src/c/d.rs", read.into()),
        ("crates/tts/tests/e.rs", read.into()),
        ("crates/tts/examples/f.rs", read.into()),
        ("crates/tts/benches/g.rs", read.into()),
        ("crates/tts-golden/src/h.rs", read.into()),
        ("outside.rs", read.into()),
    ];
    let files = in_tests.each_ref().map(|(path, code)| (*path, code.as_str()));
    let report = audited(BUDGET, &files);
    assert_eq!(super::findings(&report), [""; 0]);
    assert_eq!(
        report.sites.iter().filter(|site| site.class.is_some_and(|c| c.name() == "test")).count(),
        8
    );
}
