//! Outputs and exit codes.

use std::process::{Command, Stdio};

use crate::tts;

#[test]
fn says_plots_and_inspects() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["say", "Hello.", "--max-seconds", "1", "--output", "a.wav", "--json"];
    let said = tts(home.path(), &arguments);
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stderr).contains("small demo voice"));
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let wav = std::fs::read(home.path().join("a.wav")).unwrap();
    let samples = report["samples"].as_u64().unwrap() as usize;
    assert_eq!(wav.len(), 44 + 2 * samples);
    assert!(report["seconds"].as_f64().unwrap() <= 1.04);

    assert!(tts(home.path(), &["plot", "a.wav"]).status.success());
    assert!(std::fs::read(home.path().join("a.png")).unwrap().starts_with(b"\x89PNG"));

    let inspected = tts(home.path(), &["inspect", "--json"]);
    let facts: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(facts["kind"], "custom_voice");
}

#[test]
fn the_same_seed_writes_the_same_bytes_whatever_the_threads() {
    let home = tempfile::tempdir().unwrap();
    let say = |seed: &str, threads: &str| {
        let arguments =
            ["say", "Hi.", "--seed", seed, "--threads", threads, "--max-seconds", "2", "-o", "-"];
        let output = tts(home.path(), &arguments);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let first = say("3", "1");
    assert_eq!(first, say("3", "2"));
    assert_ne!(first, say("4", "1"));
}

#[test]
fn a_packed_file_is_a_model() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = tts(home.path(), arguments);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let line = run(&["quantize", "demo", "-o", "voice.tts", "--dtype", "q8"]);
    assert!(String::from_utf8_lossy(&line).starts_with("voice.tts: "));
    let say = |model: &str| run(&["say", "Hi.", "-m", model, "--max-seconds", "2", "-o", "-"]);
    assert_eq!(say("demo"), say("voice.tts"));
    let facts: serde_json::Value =
        serde_json::from_slice(&run(&["inspect", "voice.tts", "--json"])).unwrap();
    assert_eq!(facts["packed"], "q8");
    let refused = tts(home.path(), &["say", "Hi.", "-m", "voice.tts", "--dtype", "f32"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("packed in q8"), "{refused:?}");
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 1);
}

/// The fixture of a Base model has no speakers: the voice inside the program is cloned.
#[test]
fn a_model_is_measured_and_its_layers_are_packed_as_it_bears() {
    let home = tempfile::tempdir().unwrap();
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");
    for (model, layers) in [("demo", [4, 3]), (base, [2, 3])] {
        let output = tts(home.path(), &["quantize", model, "-o", "model.tts"]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        let (first, parts) = text.split_once('\n').unwrap();
        let mut in_four_bits = 0;
        for (line, all) in parts.lines().zip(layers) {
            let count = |all: usize| (0..=all).find(|n| line.contains(&format!(" {n} of {all} ")));
            in_four_bits += count(all).expect(line);
            assert!(line.contains("(at most 0.0"), "{text}");
        }
        assert_eq!(parts.lines().count(), 2);
        let precision = if in_four_bits == 0 { "q8" } else { "q4mix" };
        assert!(first.ends_with(&format!(" MB in {precision}")), "{text}");
        let facts = tts(home.path(), &["inspect", "model.tts", "--json"]).stdout;
        let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap();
        assert_eq!(facts["packed"], precision);
        let bits = [0, 1].map(|part| facts["bits_per_weight"][part].as_f64().unwrap());
        assert_eq!(bits.iter().any(|bits| *bits < 8.5), in_four_bits > 0, "{bits:?}");
    }
    let voice = home.path().join("none.safetensors");
    let voice = voice.to_str().unwrap();
    let refused = tts(home.path(), &["quantize", base, "-o", "other.tts", "--voice", voice]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let refused = tts(home.path(), &["quantize", "model.tts", "-o", "other.tts"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("packed already"), "{refused:?}");
}

#[test]
fn failures_have_their_exit_codes_and_write_nothing() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["say"][..], 2),
        (&["say", "Hi.", "--speaker", "nobody"], 2),
        (&["say", "Hi.", "--language", "klingon"], 2),
        (&["say", "   "], 2),
        (&["say", "Hi.", "--temperature", "0"], 2),
        (&["say", "Hi.", "--max-seconds", "-1"], 2),
        (&["say", "--file", "missing.txt"], 2),
        (&["say", "Hi.", "--model", "missing"], 3),
        (&["inspect", "missing"], 3),
        (&["say", "Hi.", "--max-seconds", "1", "-o", "no/such/directory/a.wav"], 4),
        (&["say", "Hi.", "--max-seconds", "1", "-o", "/dev/full"], 4),
        (&["plot", "missing.wav"], 2),
        (&["quantize", "missing", "-o", "a.tts"], 3),
        (&["quantize", "demo", "-o", "a.tts", "--dtype", "f32"], 2),
        (&["quantize", "demo", "-o", "no/such/directory/a.tts"], 4),
        (&["quantize", "demo", "-o", "/dev/full"], 4),
    ] {
        let output = tts(home.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn half_precision_is_refused_with_the_reason() {
    let home = tempfile::tempdir().unwrap();
    let refused = tts(home.path(), &["say", "Hi.", "--dtype", "f16"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("leave the range of f16"), "{text}");
}

#[test]
fn a_closed_pipe_is_an_output_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tts"))
        .args(["say", "Hi.", "--max-seconds", "4", "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(4));
}
