//! The program `tts-nsys`.

use std::process::{Command, Output};

use rusqlite::Connection;

fn tts_nsys(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.sqlite");
    let script = include_str!("data/two_utterances.sql");
    Connection::open(&path).unwrap().execute_batch(script).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tts-nsys")).arg(&path).args(arguments).output().unwrap()
}

#[test]
fn tables_and_verdict_are_printed() {
    let output = tts_nsys(&["--skip", "1"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "Utterances: 1, frames: 2, time: 10.000 ms",
        "Kernel gaps          4.100 ms   41.0 %",
        "9 gaps, p50 400.0 us, p95 900.0 us, max 900.0 us",
        "2.050 ms a frame",
        "  kernel gaps = the CPU is the bottleneck",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

#[test]
fn json_has_the_figures() {
    let output = tts_nsys(&["--json", "--skip", "1", "--from-frame", "1", "--frames", "1"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["wall_ns"], 4_000_000);
    assert_eq!(report["gaps"]["total_ns"], 1_600_000);
    assert_eq!(report["verdict"]["bottleneck"], "cpu");
    assert_eq!(report["waits"][0]["direction"], "device-to-host");
}

#[test]
fn a_selection_of_nothing_is_one_line_and_code_1() {
    let output = tts_nsys(&["--skip", "5"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "tts-nsys: 5 utterances to skip, but only 2 recorded\n");
}
