//! Recordings with a GPU, for which a stand-in does.
#![cfg(all(feature = "record", target_os = "linux"))]

use serde_json::{Value, json};
use tracing_subscriber::prelude::*;
use tts_gpu_stand_in::StandIn;
use tts_profiling::record::{
    Recording, Stream, Summary, Trace, WorkKind, chrome, jsonl, record, record_with_gpu,
};
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};

/// An utterance of two frames, without their work.
fn utterance() {
    let _synthesize = stage_span!(Stage::Synthesize);
    drop(stage_span!(Stage::Prefill));
    let _generate = stage_span!(Stage::GenerateFrames);
    for frame in 0..2_usize {
        drop(frame_span!(Stage::TalkerStep, frame));
    }
}

fn recorded(work: impl FnOnce(&Recording)) -> Recording {
    let (recorder, recording) = record_with_gpu();
    let subscriber = tracing_subscriber::registry().with(recorder);
    tracing::subscriber::with_default(subscriber, || work(&recording));
    recording
}

fn events(recording: &Recording) -> Vec<Value> {
    let mut bytes = Vec::new();
    chrome::write(&recording.trace(), &mut bytes).unwrap();
    let trace: Value = serde_json::from_slice(&bytes).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

/// One test, as the libraries belong to the whole process: first CUPTI refuses, as if
/// another program had the GPU, then it does not.
#[test]
fn spans_have_the_time_of_the_gpu() {
    let _driver = StandIn::load("libcuda.so.1").unwrap();
    let _nvml = StandIn::load("libnvidia-ml.so.1").unwrap();
    let cupti = StandIn::load("libcupti.so").unwrap();
    cupti.tell("refuse", 1).unwrap();
    by_marks();
    cupti.tell("refuse", 0).unwrap();
    by_kernels();
    with_waits(&cupti);
}

fn by_marks() {
    // SAFETY: the stand-in takes any address but null for a stream.
    let stream = || unsafe { Stream::from_raw(8 as *mut _, ()) };
    let recording = recorded(|recording| {
        utterance();
        recording.watch(stream()).unwrap();
        // Spans that are forgotten while they are open are so on the GPU, too.
        let open = stage_span!(Stage::Load);
        recording.clear();
        drop(open);
        utterance();
    });
    let trace = recording.trace();
    let of_gpu: Vec<_> = trace
        .gpu
        .work
        .iter()
        .map(|work| (work.kind, work.name, work.span, work.duration_ns() / 1_000_000))
        .collect();
    // From mark to mark the stand-in needs 1 ms.
    let section = WorkKind::Section;
    assert_eq!(
        of_gpu,
        [
            (section, "synthesize", Some(0), 9),
            (section, "prefill", Some(1), 1),
            (section, "generate_frames", Some(2), 5),
            (section, "talker_step", Some(3), 1),
            (section, "talker_step", Some(4), 1),
        ]
    );
    let summary = Summary::of(&trace);
    let gpu_ms: Vec<_> = summary.stages.iter().map(|row| (row.stage, row.gpu_ms)).collect();
    assert_eq!(
        gpu_ms,
        [("synthesize", 9.0), ("prefill", 1.0), ("generate_frames", 5.0), ("talker_step", 2.0)]
    );
    let gpu = summary.gpu.as_ref().unwrap();
    // It may have waited between the marks.
    assert_eq!((gpu.busy_ms, gpu.reads, gpu.waits), (None, None, None));
    assert_eq!((summary.unmarked_reads(), summary.unmarked_waits()), (None, None));
    let table = summary.to_string();
    assert!(table.contains("GPU ms") && !table.contains("GPU busy"), "{table}");
    assert!(table.contains("GPU: no kernels: cuptiActivityEnable failed with code 999"), "{table}");

    // Another queue takes the place of the first, as when another model is loaded.
    let recording = recorded(|recording| {
        recording.watch(stream()).unwrap();
        utterance();
        recording.watch(stream()).unwrap();
        utterance();
    });
    let spans: Vec<_> = recording.trace().gpu.work.iter().map(|work| work.span).collect();
    assert_eq!(spans, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(Some));

    // Without the GPU there is nothing to watch.
    let (_recorder, recording) = record();
    recording.watch(stream()).unwrap();
    assert_eq!(recording.finish(), Trace::default());
}

fn by_kernels() {
    let marked = recorded(|_| {
        let _synthesize = stage_span!(Stage::Synthesize);
        gpu_sync!("test.read", SyncClass::PerUtterance);
    });
    assert_eq!(Summary::of(&marked.finish()).unmarked_reads(), Some(0));
    let recording = recorded(|recording| {
        utterance();
        recording.clear();
        utterance();
        // SAFETY: it is not used, as the kernels are known.
        recording.watch(unsafe { Stream::from_raw(std::ptr::null_mut(), ()) }).unwrap();
    });
    let trace = recording.trace();
    let mut asked: Vec<_> = trace.gpu.work.iter().map(|work| (work.span, work.kind)).collect();
    asked.sort_by_key(|&(span, kind)| (span, kind.name()));
    let kernel = WorkKind::Kernel;
    assert_eq!(
        asked,
        [
            (Some(0), WorkKind::Copy),
            (Some(0), WorkKind::Fill),
            (Some(0), kernel),
            (Some(1), kernel),
            (Some(2), kernel),
            (Some(3), kernel),
            (Some(4), kernel),
        ]
    );
    let summary = Summary::of(&trace);
    let row = |stage: &str| summary.stages.iter().find(|row| row.stage == stage).unwrap().gpu_ms;
    assert!((row("synthesize") - 7e-3).abs() < 1e-9, "{}", row("synthesize"));
    assert!((row("generate_frames") - 3e-3).abs() < 1e-9);
    assert!((row("talker_step") - 2e-3).abs() < 1e-9);
    let table = summary.to_string();
    // The stand-in reads behind every outermost span, and nobody marked it.
    assert_eq!((summary.gpu.as_ref().unwrap().reads, summary.unmarked_reads()), (Some(1), Some(1)));
    assert!(table.contains("1 copies from a GPU, 1 of them without a mark"), "{table}");
    assert!(table.contains("0 waits for a GPU, 0 of them without a mark"), "{table}");
    assert!(table.contains("cutlass::Kernel<float, 4>") && table.contains("copy device to host"));

    let events = events(&recording);
    let of = |phase: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["pid"] != 1 && event["ph"] == phase).collect()
    };
    let named: Vec<_> =
        of("M").iter().map(|event| (&event["pid"], &event["args"]["name"])).collect();
    let name = |process: u32, name: &str| (json!(process), json!(name));
    let names = [name(3, "GPU 1"), name(3, "queue 7"), name(1000, "GPU counters")];
    assert_eq!(named, names.each_ref().map(|(process, name)| (process, name)));
    assert_eq!(of("X").len(), 7);
    let step = of("X").into_iter().find(|work| work["args"]["frame"] == 1).unwrap();
    assert_eq!((&step["args"]["span"], &step["cat"]), (&"talker_step".into(), &"kernel".into()));
    let counters = of("C");
    let memory = counters.iter().find(|event| event["name"] == "0: memory (MB)").unwrap();
    assert_eq!(memory["args"]["value"], 2000);
}

/// A mark stands for a read and a wait of its span.
fn with_waits(cupti: &StandIn) {
    let wait = |what| cupti.tell("wait", what).unwrap();
    let recording = recorded(|recording| {
        // Spans that are forgotten wait for nobody.
        let open = stage_span!(Stage::Load);
        wait(4);
        recording.clear();
        drop(open);
        let synthesize = stage_span!(Stage::Synthesize);
        gpu_sync!("test.read", SyncClass::PerUtterance);
        wait(3);
        drop(synthesize);
    });
    let summary = Summary::of(&recording.finish());
    assert_eq!(summary.gpu.as_ref().unwrap().waits, Some(1));
    assert_eq!((summary.unmarked_reads(), summary.unmarked_waits()), (Some(0), Some(0)));

    let recording = recorded(|_| {
        let synthesize = stage_span!(Stage::Synthesize);
        gpu_sync!("test.read", SyncClass::PerUtterance);
        gpu_sync!("test.read", SyncClass::PerUtterance);
        gpu_sync!("test.read", SyncClass::PerUtterance);
        wait(3);
        // Marks of another span do not help; where a queue waits, the host does not.
        let step = frame_span!(Stage::TalkerStep, 5_usize);
        wait(2);
        gpu_sync!("test.wait", SyncClass::PerFrame);
        wait(1);
        wait(1);
        drop((step, synthesize));
        wait(4);
    });
    let trace = recording.trace();
    let waits: Vec<_> = trace.gpu.waits.iter().map(|wait| (wait.span, wait.name)).collect();
    assert_eq!(
        waits,
        [
            (Some(0), "wait for a queue"),
            (Some(1), "wait for an event"),
            (Some(1), "wait for an event"),
            (None, "wait for all queues")
        ]
    );
    let summary = Summary::of(&trace);
    let gpu = summary.gpu.as_ref().unwrap();
    assert_eq!((gpu.reads, gpu.waits), (Some(1), Some(3)));
    assert_eq!((summary.unmarked_reads(), summary.unmarked_waits()), (Some(0), Some(1)));
    let table = summary.to_string();
    assert!(table.contains("3 waits for a GPU, 1 of them without a mark"), "{table}");
    // A wait takes 1 ms, and the GPU does nothing in it.
    assert!(gpu.busy_ms.unwrap() < 0.1 && gpu.work.iter().all(|row| row.total_ms < 0.1), "{gpu:?}");
    assert!(summary.stages.iter().all(|row| row.gpu_ms < 0.1), "{table}");

    let events = events(&recording);
    let of = |phase: &str| -> Vec<&Value> {
        let of = events.iter().filter(|e| e["ph"] == phase && e["tid"].as_u64() >= Some(1000));
        of.collect()
    };
    let named: Vec<_> =
        of("M").iter().map(|e| (&e["pid"], &e["tid"], &e["args"]["name"])).collect();
    let names = [(1, 1000, "waits outside of spans"), (1, 1001, "waits of thread 1")];
    let names = names.map(|(process, track, name)| (json!(process), json!(track), json!(name)));
    assert_eq!(named, names.each_ref().map(|(process, track, name)| (process, track, name)));
    let waits: Vec<_> = of("X").iter().map(|e| (&e["pid"], &e["tid"], &e["args"])).collect();
    let spans = [
        (1, 1001, json!({"span": "synthesize"})),
        (1, 1001, json!({"span": "talker_step", "frame": 5})),
        (1, 1001, json!({"span": "talker_step", "frame": 5})),
        (1, 1000, Value::Null),
    ];
    let spans = spans.map(|(process, track, span)| (json!(process), json!(track), span));
    assert_eq!(waits, spans.each_ref().map(|(process, track, span)| (process, track, span)));

    let mut lines = Vec::new();
    jsonl::write(&trace, &mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let waits: Vec<_> = lines.filter(|line| line["wait"].is_string()).collect();
    assert_eq!((waits.len(), &waits[1]["parent"], &waits[1]["frame"]), (4, &json!(1), &json!(5)));
}
