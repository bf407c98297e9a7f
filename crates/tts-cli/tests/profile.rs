//! `--profile` of the program that is built with the feature `profiling`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn tts(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tts")).args(arguments).current_dir(home).output().unwrap()
}

#[test]
fn every_frame_of_what_is_said_is_in_the_trace() {
    let home = tempfile::tempdir().unwrap();
    let output = tts(
        home.path(),
        &[
            "say",
            "Hello.",
            "--max-new-tokens",
            "5",
            "--profile",
            "chrome=trace.json",
            "--profile",
            "folded=stacks.folded",
        ],
    );
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{summary}");
    assert!(summary.contains("talker_step") && summary.contains("generate.frame"), "{summary}");
    let text = std::fs::read_to_string(home.path().join("trace.json")).unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let count = |name: &str| events.iter().filter(|event| event["name"] == name).count();
    assert_eq!((count("load"), count("synthesize"), count("prefill")), (1, 1, 1));
    assert!((1..=5).contains(&count("code_predictor")), "{}", count("code_predictor"));
    let stacks = std::fs::read_to_string(home.path().join("stacks.folded")).unwrap();
    assert!(stacks.contains("synthesize;generate_frames;code_predictor "), "{stacks}");
}

#[test]
fn a_command_that_fails_is_recorded_too() {
    let home = tempfile::tempdir().unwrap();
    let output = tts(home.path(), &["--profile", "jsonl=spans.jsonl", "decode", "missing.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(home.path().join("spans.jsonl").exists());
}

#[test]
fn a_profile_that_cannot_be_written_ends_with_4() {
    let home = tempfile::tempdir().unwrap();
    let output = tts(home.path(), &["voices", "--profile", "chrome=missing/trace.json"]);
    assert_eq!(output.status.code(), Some(4));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("cannot write missing/trace.json"), "{message}");
}
