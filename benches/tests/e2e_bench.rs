//! The benchmark program as a script sees it.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let always = ["--iterations", "2", "--warmup", "0", "--frames", "6", "--labels", "short"];
    Command::new(env!("CARGO_BIN_EXE_e2e_bench")).args(always).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_columns_are_those_of_the_guide() {
    let text = printed(&[]);
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split("  ").filter(|c| !c.is_empty()).collect();
    let header: Vec<&str> = header.into_iter().map(str::trim).collect();
    let expected = [
        "Label",
        "Words",
        "Wall (ms)",
        "Audio (s)",
        "RTF",
        "Tok/s",
        "Mem (MB)",
        "Prefill",
        "Generate",
        "Decode",
    ];
    assert_eq!(header, expected);
    assert_eq!(lines.next(), Some("----"));
    let row = lines.next().unwrap();
    assert!(row.starts_with("short") && row.contains("0.48") && row.ends_with("%)"), "{row}");
    assert_eq!(lines.next(), None);
}

#[test]
fn json_has_samples_medians_and_the_environment() {
    let report: Value = serde_json::from_str(&printed(&["-o", "json", "--threads", "1"])).unwrap();
    let environment = &report["environment"];
    for field in ["commit", "rustc", "cpu", "governor", "model"] {
        assert!(!environment[field].as_str().unwrap().is_empty(), "{field}");
    }
    assert_eq!(environment["model_fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!((&environment["threads"], &environment["frames"]), (&1.into(), &6.into()));
    let row = &report["rows"][0];
    assert_eq!((&row["label"], &row["words"]), (&"short".into(), &13.into()));
    let samples = row["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 2);
    let wall = |sample: &Value| sample["wall_ms"].as_f64().unwrap();
    let median = f64::midpoint(wall(&samples[0]), wall(&samples[1]));
    assert!((wall(&row["median"]) - median).abs() < 1e-9);
    for sample in samples {
        assert_eq!((&sample["frames"], &sample["audio_secs"]), (&6.into(), &0.48.into()));
        let stages = ["prefill_ms", "generate_ms", "decode_ms"];
        let stages: f64 = stages.iter().map(|stage| sample[stage].as_f64().unwrap()).sum();
        assert!(stages > 0.0 && stages <= wall(sample) * 1.001, "{sample}");
    }
}

#[test]
fn every_sample_is_a_line_of_jsonl() {
    let text = printed(&["-o", "jsonl"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["iteration"], &lines[1]["label"]), (&1.into(), &"short".into()));
}

#[test]
fn tables_come_as_markdown_and_csv() {
    let markdown = printed(&["-o", "md"]);
    assert!(markdown.starts_with("| Label | Words |") && markdown.contains("\n| --- | --- |"));
    let csv = printed(&["-o", "csv"]);
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [10, 10]);
}

#[test]
fn a_stream_is_measured_as_it_is_heard() {
    let report: Value = serde_json::from_str(&printed(&["--streaming", "-o", "json"])).unwrap();
    let playback = &report["rows"][0]["median"]["playback"];
    let ms = |field: &str| playback[field].as_f64().unwrap();
    assert!(ms("first_byte_ms") > 0.0);
    assert!(ms("playable_ms") >= ms("first_byte_ms"));
    assert!(ms("audible_ms") >= ms("first_byte_ms"));
}

#[test]
fn a_batch_counts_all_of_its_audio() {
    let report: Value = serde_json::from_str(&printed(&["--batch", "3", "-o", "json"])).unwrap();
    let sample = &report["rows"][0]["samples"][0];
    assert_eq!(sample["frames"], 18);
    assert!((sample["audio_secs"].as_f64().unwrap() - 1.44).abs() < 1e-9);
}

#[test]
fn unusable_arguments_are_named() {
    for (arguments, message) in [
        (&["--labels", "tiny"][..], "short, medium and long"),
        (&["--model-dir", "no/such/directory"], "no/such/directory"),
        (&["--streaming", "--batch", "2"], "--batch"),
        (&["--layout", "wide"], "streaming or non-streaming"),
    ] {
        let output = bench(arguments);
        assert!(!output.status.success());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(message), "{stderr}");
    }
}
