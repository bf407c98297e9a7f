//! Cloning, streaming and the codec from the command line.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::tts;
use tts_audio::{Audio, AudioFormat, Limits, read_audio_file, write_audio_file};

#[track_caller]
fn succeeds(home: &Path, arguments: &[&str]) -> Output {
    let output = tts(home, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[track_caller]
fn refused(home: &Path, arguments: &[&str], code: i32, message: &str) {
    let before = std::fs::read_dir(home).unwrap().count();
    let output = tts(home, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(message), "expected {message:?}, found {stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(home).unwrap().count(), before, "{arguments:?} left a file");
}

fn base() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints/base_b")
}

fn read(path: &Path) -> Audio {
    read_audio_file(path, Limits { max_seconds: 60.0 }).unwrap()
}

/// A buzz at another sample rate than the model's.
fn recording(home: &Path, seconds: f64) -> PathBuf {
    let samples = (0..(seconds * 16_000.0) as usize)
        .map(|i| (i as f32 * 0.05).sin() * 0.3 + (i as f32 * 0.31).sin() * 0.1)
        .collect();
    let path = home.join("reference.flac");
    let audio = Audio { samples, sample_rate: 16_000 };
    write_audio_file(&audio, &path, AudioFormat::Flac).unwrap();
    path
}

#[test]
fn a_voice_is_made_once_and_used_again() {
    let home = tempfile::tempdir().unwrap();
    let (home, base) = (home.path(), base());
    let base = base.to_str().unwrap();
    recording(home, 0.8);
    let reference = ["--ref-audio", "reference.flac", "--ref-text", "What is said."];
    let model = ["--model", base];
    succeeds(home, &[&["voice", "make", "-o", "v.safetensors"][..], &reference, &model].concat());
    let shown = succeeds(home, &["voice", "show", "v.safetensors"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("What is said.") && shown.contains("10 frames"), "{shown}");

    let say = ["say", "Hello.", "--max-seconds", "1", "-q", "-o"];
    succeeds(home, &[&say[..], &["a.wav", "--voice", "v.safetensors"], &model].concat());
    succeeds(home, &[&["clone"], &say[1..], &["b.wav"], &reference, &model].concat());
    assert_eq!(
        std::fs::read(home.join("a.wav")).unwrap(),
        std::fs::read(home.join("b.wav")).unwrap()
    );
    let x_vector = ["--ref-audio", "reference.flac", "--x-vector-only"];
    succeeds(home, &[&say[..], &["c.wav"], &x_vector, &model].concat());
    assert_ne!(
        std::fs::read(home.join("a.wav")).unwrap(),
        std::fs::read(home.join("c.wav")).unwrap()
    );
}

#[test]
fn unusable_references_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (home, base) = (home.path(), base());
    let base = base.to_str().unwrap();
    recording(home, 0.8);
    std::fs::write(home.join("empty.wav"), "").unwrap();
    std::fs::write(home.join("text.mp3"), "this is no audio at all, whatever it is called")
        .unwrap();
    let flac = std::fs::read(home.join("reference.flac")).unwrap();
    std::fs::write(home.join("cut.flac"), &flac[..flac.len() / 2]).unwrap();
    let write = |name: &str, samples: Vec<f32>, format| {
        write_audio_file(&Audio { samples, sample_rate: 24_000 }, home.join(name), format).unwrap();
    };
    write("ten.wav", vec![0.1; 10], AudioFormat::WavPcm16);
    write("nan.wav", vec![0.1; 24_000], AudioFormat::WavF32);
    let mut nan = std::fs::read(home.join("nan.wav")).unwrap();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(home.join("nan.wav"), nan).unwrap();
    hour(&home.join("hour.wav"));
    let mut voice = vec![0_u8; 64];
    voice[0] = 8;
    std::fs::write(home.join("bad.safetensors"), &voice).unwrap();
    let header = br#"{"__metadata__":{"format":"qwen3-tts-voice","version":"2"}}"#;
    let future = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    std::fs::write(home.join("future.safetensors"), future).unwrap();

    let say = |rest: &[&'static str]| -> Vec<&str> {
        [&["say", "Hi.", "--max-seconds", "1", "--model", base][..], rest].concat()
    };
    let text = "--ref-text";
    for (rest, message) in [
        (&["--ref-audio", "missing.wav", text, "x"][..], "missing.wav"),
        (&["--ref-audio", "empty.wav", text, "x"], "empty.wav"),
        (&["--ref-audio", "text.mp3", text, "x"], "text.mp3"),
        (&["--ref-audio", "cut.flac", text, "x"], "cut.flac"),
        (&["--ref-audio", "ten.wav", "--x-vector-only"], "at least"),
        (&["--ref-audio", "nan.wav", "--x-vector-only"], "NaN"),
        (&["--ref-audio", "hour.wav", "--x-vector-only"], "3600.000 s"),
        (&["--ref-audio", "reference.flac"], "transcript"),
        (&["--ref-audio", "reference.flac", text, "  "], "transcript"),
        (&["--voice", "bad.safetensors"], "not a voice file"),
        (&["--voice", "future.safetensors"], "version 2 of the voice format"),
        (&[], "reference"),
    ] {
        refused(home, &say(rest), 2, message);
    }
    let custom = ["say", "Hi.", "--ref-audio", "reference.flac", "--x-vector-only"];
    refused(home, &custom, 2, "has no speaker encoder");
}

/// An hour of silence that takes no room on the disk: 8 kHz, 8 bits.
fn hour(path: &Path) {
    let samples = 3600 * 8000_u32;
    let mut header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    header[4..8].copy_from_slice(&(samples + 36).to_le_bytes());
    header.extend([8000_u32, 8000, 1 | 8 << 16].iter().flat_map(|field| field.to_le_bytes()));
    header.extend(b"data".iter().chain(&samples.to_le_bytes()));
    std::fs::write(path, header).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(u64::from(samples) + 44).unwrap();
}

#[test]
fn the_content_of_a_reference_counts_and_not_its_name() {
    let home = tempfile::tempdir().unwrap();
    let (home, base) = (home.path(), base());
    std::fs::rename(recording(home, 0.8), home.join("reference.mp3")).unwrap();
    let reference = ["--ref-audio", "reference.mp3", "--x-vector-only"];
    let make = ["voice", "make", "-o", "v.safetensors", "--model", base.to_str().unwrap()];
    succeeds(home, &[&make[..], &reference].concat());
}

#[test]
fn a_voice_that_cannot_be_written_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let (home, base) = (home.path(), base());
    recording(home, 0.8);
    let make = ["voice", "make", "--ref-audio", "reference.flac", "--x-vector-only", "--model"];
    for output in ["/dev/full", "no/such/directory/v.safetensors"] {
        let rest = [base.to_str().unwrap(), "-o", output];
        refused(home, &[&make[..], &rest].concat(), 4, output);
    }
}

#[test]
fn a_model_that_cannot_be_downloaded_is_named_with_the_reason() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let say = |variable: &str, value: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tts"));
        command.args(["say", "Hi.", "--model", "someone/some-model"]).current_dir(home);
        command.env("HF_HOME", home.join("cache")).env(variable, value);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stderr).unwrap()
    };
    // Nobody listens at the discard port.
    let unreachable = say("HF_ENDPOINT", "http://127.0.0.1:9");
    assert!(unreachable.contains("http://127.0.0.1:9"), "{unreachable}");
    let offline = say("HF_HUB_OFFLINE", "1");
    assert!(offline.contains("someone/some-model"), "{offline}");
    assert!(!home.join("out.wav").exists());
}

#[test]
fn a_stream_carries_the_same_samples_as_the_file() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let say = ["say", "A stream of words.", "--max-seconds", "2", "--format", "s16le"];
    succeeds(home, &[&say[..], &["-o", "whole.pcm"]].concat());
    let streamed = succeeds(home, &[&say[..], &["--stream", "--json"]].concat());
    assert_eq!(streamed.stdout, std::fs::read(home.join("whole.pcm")).unwrap());
    let events = String::from_utf8(streamed.stderr).unwrap();
    assert!(events.lines().filter(|line| line.starts_with("{\"chunk\"")).count() > 2, "{events}");
    refused(home, &["say", "Hi.", "--stream", "-o", "file.wav"], 2, "expected \"-\" with --stream");
    refused(home, &["say", " ", "--stream"], 2, "empty or blank");
}

#[test]
fn a_file_is_spoken_sentence_by_sentence() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("text.txt"), "One paragraph.\n\nAnd another one.\n").unwrap();
    let say = ["say", "--file", "text.txt", "--max-seconds", "1", "--json", "-o", "long.flac"];
    let said = succeeds(home, &say);
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(report["pieces"].as_array().unwrap().len(), 2);
    let audio = read(&home.join("long.flac"));
    assert_eq!(audio.samples.len() as u64, report["samples"].as_u64().unwrap());
    assert!(audio.duration_secs() > 0.7, "at least the pause between the paragraphs");
}

#[test]
fn audio_goes_through_the_codec_and_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recording(home, 0.5);
    succeeds(home, &["encode", "reference.flac", "-o", "codes.json"]);
    succeeds(home, &["decode", "codes.json", "-o", "back.wav"]);
    assert_eq!(read(&home.join("back.wav")).samples.len(), 12_000);
    std::fs::write(home.join("bad.json"), "{\"codes\": [[1, 2]]}").unwrap();
    refused(home, &["decode", "bad.json"], 2, "2 codes, expected 16");
    std::fs::write(home.join("worse.json"), "[").unwrap();
    refused(home, &["decode", "worse.json"], 2, "holds no codes");
}

#[test]
fn lists_completions_and_the_manual_are_printed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for (arguments, expected) in
        [(&["voices"][..], "rms"), (&["completions", "bash"], "--ref-audio"), (&["man"], ".TH tts")]
    {
        let output = succeeds(home, arguments);
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected), "{arguments:?}");
    }
}
