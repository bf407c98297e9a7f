//! Notes what the benchmarks were built with and from.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    note("BUILT_WITH", &rustc, &["--version"]);
    note("BUILT_FROM", "git", &["describe", "--always", "--dirty", "--exclude=*"]);
}

fn note(name: &str, program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = text.map_or_else(|| "unknown".to_owned(), |t| String::from_utf8_lossy(&t).into());
    println!("cargo::rustc-env={name}={}", text.trim());
}
