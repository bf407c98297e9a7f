//! The profiling commands on the embedded model: what they write is read again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

const FRAMES: usize = 20;
const BYTES_PER_FRAME: usize = 600;

/// The builds with different features go to the same place.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `cargo xtask profile` with an unoptimised build.
fn profile(home: &Path, arguments: &[&str]) -> String {
    profile_with(&mut Command::new(env!("CARGO_BIN_EXE_xtask")), home, arguments)
}

fn profile_with(xtask: &mut Command, home: &Path, arguments: &[&str]) -> String {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let output = xtask
        .arg("profile")
        .args(arguments)
        .args(["--cargo-profile", "dev", "--warmup", "0", "--"])
        .args(["--frames", &FRAMES.to_string()])
        .current_dir(home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[derive(Debug)]
struct Span {
    name: String,
    start: f64,
    end: f64,
    frame: Option<u64>,
}

fn spans(events: &[Value]) -> Vec<Span> {
    let complete = events.iter().filter(|event| event["ph"] == "X");
    complete
        .map(|event| {
            let start = event["ts"].as_f64().unwrap();
            Span {
                name: event["name"].as_str().unwrap().to_owned(),
                start,
                end: start + event["dur"].as_f64().unwrap(),
                frame: event["args"]["frame"].as_u64(),
            }
        })
        .collect()
}

#[test]
fn a_chrome_trace_has_every_stage_of_every_frame() {
    let home = tempfile::tempdir().unwrap();
    let printed = profile(home.path(), &["chrome"]);
    assert!(printed.contains(&format!("{FRAMES} frames")), "{printed}");
    assert!(printed.contains("1.00 per frame"), "{printed}");
    assert!(printed.contains("trace.json"), "{printed}");

    let text = std::fs::read_to_string(home.path().join("trace.json")).unwrap();
    assert!(text.len() / FRAMES <= BYTES_PER_FRAME, "{} bytes", text.len());
    let trace: Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let spans = spans(events);

    // On one thread, two spans are apart or one is inside of the other. Half a nanosecond
    // is lost to the three decimals.
    let slack = 0.002;
    for (index, a) in spans.iter().enumerate() {
        for b in &spans[index + 1..] {
            let apart = b.start >= a.end - slack || a.start >= b.end - slack;
            let inside = (a.start <= b.start + slack && b.end <= a.end + slack)
                || (b.start <= a.start + slack && a.end <= b.end + slack);
            assert!(apart || inside, "{a:?} and {b:?}");
        }
    }

    let mut by_frame: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for span in &spans {
        if let Some(frame) = span.frame {
            by_frame.entry(frame).or_default().push(&span.name);
        }
    }
    assert_eq!(by_frame.len(), FRAMES);
    for (frame, names) in by_frame {
        assert_eq!(names, ["code_predictor", "talker_step", "sampling"], "frame {frame}");
    }
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((count("synthesize"), count("prefill")), (1, 1));
    // One more than frames: the first token is drawn by the prefill.
    assert_eq!((count("top_k"), count("top_p")), (FRAMES + 1, FRAMES + 1));
    assert!(count("generate_frames") >= 1 && count("decode") >= 1);
    let reads = |class: &str| {
        let syncs = events.iter().filter(|event| event["cat"] == "gpu_sync");
        syncs.filter(|event| event["args"]["class"] == class).count()
    };
    assert_eq!((reads("per-frame"), reads("per-utterance")), (FRAMES, 1));
    assert_audited(events);
}

/// Every wait that was seen is one that the source says, of the same class. `audit.toml` has those of a
/// GPU, where frames are read together; on the CPU each is.
fn assert_audited(events: &[Value]) {
    let audit = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["audit-gpu-syncs", "--format", "json"])
        .output()
        .unwrap();
    assert!(audit.status.success());
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    let class_of = |site: &str| {
        let sites = audit["sites"].as_array().unwrap();
        let found = sites.iter().find(|found| found["site"] == site);
        found.unwrap_or_else(|| panic!("{site} is not in the source"))["class"].clone()
    };
    let syncs = || events.iter().filter(|event| event["cat"] == "gpu_sync");
    for sync in syncs() {
        assert_eq!(sync["args"]["class"], class_of(sync["name"].as_str().unwrap()));
    }
    let per_frame = syncs().filter(|sync| sync["args"]["class"] == "per-frame").count();
    assert_eq!(per_frame, FRAMES);
    let allowed = audit["per_frame"].as_f64().unwrap();
    assert!(allowed > 0.0 && allowed <= 1.0, "{allowed}");
}

/// With stand-ins for the libraries of NVIDIA, whose GPU does a kernel at the end of every
/// span, a copy and a fill at the end of the outermost ones.
#[cfg(target_os = "linux")]
#[test]
fn a_gpu_has_tracks_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    tts_gpu_stand_in::build_all(home.path()).unwrap();
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let mut libraries = vec![home.path().to_owned()];
    let others = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    libraries.extend(std::env::split_paths(&others));
    xtask.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap());
    let printed = profile_with(&mut xtask, home.path(), &["chrome"]);
    assert!(printed.contains("GPU ms") && printed.contains("copy device to host"), "{printed}");

    let text = std::fs::read_to_string(home.path().join("trace.json")).unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |process: u64, phase: &str| -> Vec<&Value> {
        let of = events.iter().filter(|event| event["pid"] == process && event["ph"] == phase);
        of.collect()
    };
    let kernels: Vec<_> = of(3, "X").into_iter().filter(|event| event["cat"] == "kernel").collect();
    assert_eq!(kernels.len(), of(1, "X").len());
    for frame in 0..FRAMES {
        let of_frame = kernels.iter().filter(|kernel| kernel["args"]["frame"] == frame);
        let mut spans: Vec<_> =
            of_frame.map(|kernel| kernel["args"]["span"].as_str().unwrap()).collect();
        spans.sort_unstable();
        assert_eq!(spans, ["code_predictor", "sampling", "talker_step", "top_k", "top_p"]);
    }
    assert!(of(1000, "C").iter().any(|event| event["name"] == "0: power (W)"));
}

#[test]
fn a_flame_graph_of_spans_is_a_picture_with_the_stages() {
    let home = tempfile::tempdir().unwrap();
    profile(home.path(), &["flamegraph", "--from", "spans"]);
    let svg = std::fs::read_to_string(home.path().join("flamegraph.svg")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&svg);
    let mut elements = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(_) => elements += 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(elements > 20);
    for stage in ["synthesize", "generate_frames", "code_predictor", "talker_step", "decode"] {
        assert!(svg.contains(&format!("<title>{stage} (")), "{stage}");
    }
}

#[test]
fn a_flame_graph_of_samples_has_functions_of_the_engine() {
    let home = tempfile::tempdir().unwrap();
    profile(home.path(), &["flamegraph", "--from", "sampler", "--iterations", "10"]);
    let svg = std::fs::read_to_string(home.path().join("flamegraph.svg")).unwrap();
    for function in ["speak_batch", "candle_core::"] {
        assert!(svg.contains(function), "no {function}");
    }
}

#[test]
fn a_roofline_has_every_stage_of_a_frame() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["profile", "roofline", "--cargo-profile", "dev", "--", "--embedded"])
        .args(["--frames", "6", "--iterations", "1", "--json", "roofline.json"])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("\n1. ") && printed.contains("ms to gain"), "{printed}");
    let text = std::fs::read_to_string(home.path().join("roofline.json")).unwrap();
    let roofline: Value = serde_json::from_str(&text).unwrap();
    assert!(roofline["bandwidth_gb_s"].as_f64().unwrap() > 0.1);
    let rows = roofline["rows"].as_array().unwrap();
    let stages: Vec<&str> = rows.iter().map(|row| row["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["code_predictor", "talker_step", "decode"]);
    for row in rows {
        let share = row["share_of_roof"].as_f64().unwrap();
        // A busy machine measures low roofs.
        assert!(share > 0.0 && share.is_finite(), "{row}");
    }
    let svg = std::fs::read_to_string(home.path().join("roofline.svg")).unwrap();
    assert!(svg.ends_with("</svg>\n") && svg.contains("talker_step"));
}
