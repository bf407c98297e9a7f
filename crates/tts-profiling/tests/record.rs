//! Recordings: what is in them, and the files that are written.
#![cfg(feature = "record")]

use std::time::Duration;

use serde_json::Value;
use tracing_subscriber::prelude::*;
use tts_profiling::record::{Recording, Summary, Trace, chrome, folded, jsonl, record};
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};

/// Frames as the engine generates them, without their work.
fn frames(count: usize) {
    let _synthesize = stage_span!(Stage::Synthesize);
    let _generate = stage_span!(Stage::GenerateFrames);
    for frame in 0..count {
        drop(frame_span!(Stage::CodePredictor, frame));
        drop(frame_span!(Stage::TalkerStep, frame));
        let _sampling = frame_span!(Stage::Sampling, frame);
        drop(stage_span!(Stage::TopK));
        drop(stage_span!(Stage::TopP));
        gpu_sync!("generate.frame", SyncClass::PerFrame);
    }
}

fn recorded(work: impl FnOnce(&Recording)) -> Trace {
    let (recorder, recording) = record();
    let subscriber = tracing_subscriber::registry().with(recorder);
    tracing::subscriber::with_default(subscriber, || work(&recording));
    recording.trace()
}

fn written(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn chrome_events(text: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(text).unwrap();
    let events = trace.get("traceEvents").unwrap_or(&trace);
    events.as_array().unwrap().clone()
}

#[test]
fn spans_nest_and_know_their_frame() {
    let trace = recorded(|_| frames(2));
    let paths: Vec<String> =
        (0..trace.spans.len()).map(|span| trace.path(span).join("/")).collect();
    assert_eq!(
        paths[..3],
        ["synthesize", "synthesize/generate_frames", "synthesize/generate_frames/code_predictor",]
    );
    assert_eq!(paths.len(), 2 + 2 * 5);
    let top_p = paths.iter().rposition(|path| path.ends_with("sampling/top_p")).unwrap();
    assert_eq!((trace.spans[top_p].frame, trace.frame_of(Some(top_p))), (None, Some(1)));
    for span in &trace.spans {
        assert!(span.start_ns <= span.end_ns);
        if let Some(parent) = span.parent {
            let parent = &trace.spans[parent];
            assert!(parent.start_ns <= span.start_ns && span.end_ns <= parent.end_ns);
        }
    }
    assert_eq!(trace.syncs.len(), 2);
    assert_eq!(trace.frame_of(trace.syncs[1].parent), Some(1));
}

#[test]
fn threads_have_their_own_stacks() {
    let (recorder, recording) = record();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(recorder));
    tracing::dispatcher::with_default(&dispatch, || {
        let _outer = stage_span!(Stage::Synthesize);
        let dispatch = dispatch.clone();
        let other = move || tracing::dispatcher::with_default(&dispatch, || frames(1));
        std::thread::spawn(other).join().unwrap();
    });
    let trace = recording.trace();
    assert_eq!(trace.path(1), ["synthesize"]);
    assert_eq!((trace.spans[0].thread, trace.spans[1].thread), (1, 2));
}

#[test]
fn open_spans_end_where_the_trace_is_taken() {
    recorded(|recording| {
        let _open = stage_span!(Stage::Synthesize);
        frames(1);
        let trace = recording.trace();
        assert!(trace.spans[0].end_ns >= trace.spans[1].end_ns);
        assert!(trace.spans.iter().all(|span| span.duration_ns() < 60_000_000_000));
        // What was forgotten while it was open does not come back.
        recording.clear();
    });
    let trace = recorded(|recording| {
        let open = stage_span!(Stage::Synthesize);
        recording.clear();
        drop(open);
        frames(1);
    });
    assert_eq!(trace.spans.len(), 7);
}

#[test]
fn spans_of_other_programs_are_left_out() {
    let trace = recorded(|_| {
        let _other = tracing::info_span!("other").entered();
        tracing::info!("other");
        frames(1);
    });
    assert_eq!(trace.spans.len(), 7);
    assert_eq!(trace.spans[0].parent, None);
}

#[test]
fn the_chrome_trace_says_what_tracing_chrome_says_in_less_than_half_the_room() {
    const FRAMES: usize = 100;
    let home = tempfile::tempdir().unwrap();
    let theirs = home.path().join("theirs.json");
    let (layer, guard) =
        tracing_chrome::ChromeLayerBuilder::new().file(&theirs).include_args(true).build();
    let (recorder, recording) = record();
    let subscriber = tracing_subscriber::registry().with(recorder).with(layer);
    tracing::subscriber::with_default(subscriber, || frames(FRAMES));
    drop(guard);

    let ours = written(|w| chrome::write(&recording.trace(), w));
    let theirs = std::fs::read_to_string(theirs).unwrap();
    let begins = |events: &[Value], phase: &str| -> Vec<(String, Value)> {
        let of_phase = events.iter().filter(|event| event["ph"] == phase);
        of_phase
            .map(|event| {
                (event["name"].as_str().unwrap().to_owned(), event["args"]["frame"].clone())
            })
            .collect()
    };
    let number = |frame: &Value| frame.as_u64().or_else(|| frame.as_str()?.parse().ok());
    let ours_begin = begins(&chrome_events(&ours), "X");
    let theirs_begin = begins(&chrome_events(&theirs), "B");
    assert_eq!(ours_begin.len(), 2 + 5 * FRAMES);
    for (ours, theirs) in ours_begin.iter().zip(&theirs_begin) {
        assert_eq!((&ours.0, number(&ours.1)), (&theirs.0, number(&theirs.1)));
    }
    assert_eq!(ours_begin.len(), theirs_begin.len());
    assert!(ours.len() * 2 < theirs.len(), "{} and {} bytes", ours.len(), theirs.len());
    // The guide allows about 1 KB.
    assert!(ours.len() / FRAMES <= 600, "{} bytes a frame", ours.len() / FRAMES);
}

#[test]
fn the_chrome_trace_is_well_formed() {
    let trace = recorded(|_| frames(3));
    let events = chrome_events(&written(|w| chrome::write(&trace, w)));
    let spans: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(spans.len(), trace.spans.len());
    for (event, span) in spans.iter().zip(&trace.spans) {
        assert_eq!(event["name"], span.name);
        let start = event["ts"].as_f64().unwrap() * 1e3;
        assert!((start - span.start_ns as f64).abs() < 1.0);
        let duration = event["dur"].as_f64().unwrap() * 1e3;
        assert!((duration - span.duration_ns() as f64).abs() < 1.0);
    }
    let syncs: Vec<&Value> = events.iter().filter(|event| event["cat"] == "gpu_sync").collect();
    assert_eq!(syncs.len(), 3);
    assert_eq!(syncs[0]["args"]["class"], "per-frame");
}

#[test]
fn folded_stacks_hold_self_time() {
    let trace = recorded(|_| {
        let _outer = stage_span!(Stage::Synthesize);
        std::thread::sleep(Duration::from_millis(4));
        let _inner = stage_span!(Stage::Decode);
        std::thread::sleep(Duration::from_millis(8));
    });
    let text = written(|w| folded::write(&trace, w));
    let value = |stack: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(stack)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    };
    assert_eq!(text.lines().count(), 2);
    assert!(value("synthesize") >= 4000 && value("synthesize;decode") >= 8000, "{text}");
    let whole = trace.spans[0].duration_ns().div_ceil(1000);
    assert!(value("synthesize") + value("synthesize;decode") <= whole + 2);
}

#[test]
fn every_line_of_jsonl_is_an_object() {
    let trace = recorded(|_| frames(2));
    let text = written(|w| jsonl::write(&trace, w));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), trace.spans.len() + trace.syncs.len());
    assert_eq!((&lines[2]["span"], &lines[2]["frame"]), (&"code_predictor".into(), &0.into()));
    let last = lines.last().unwrap();
    assert_eq!((&last["sync"], &last["frame"]), (&"generate.frame".into(), &1.into()));
}

#[test]
fn a_summary_counts_stages_frames_and_syncs() {
    let trace = recorded(|_| {
        frames(3);
        frames(2);
    });
    let summary = Summary::of(&trace);
    let row = |stage: &str| summary.stages.iter().find(|row| row.stage == stage).unwrap();
    assert_eq!((row("synthesize").time.count, row("top_k").time.count), (2, 5));
    assert!((row("synthesize").share - 1.0).abs() < 1e-9);
    let selves: f64 = summary.stages.iter().map(|row| row.self_ms).sum();
    assert!((selves - summary.total_ms).abs() < 1e-6);
    assert_eq!((summary.frames.time.count, summary.frames.over_budget), (5, 0));
    assert_eq!(summary.syncs_per_frame(), 1.0);
    let table = summary.to_string();
    assert!(table.contains("5 frames") && table.contains("generate.frame"), "{table}");
}
