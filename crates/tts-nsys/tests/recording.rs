//! Figures of a small recording in the schema of Nsight Systems.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tts_nsys::{Bottleneck, Direction, FrameWindow, NsysError, Report, Selection, analyse, read};

const TWO_UTTERANCES: &str = include_str!("data/two_utterances.sql");
const NO_GPU: &str = include_str!("data/no_gpu.sql");

fn database(scripts: &[&str]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.sqlite");
    let connection = Connection::open(&path).unwrap();
    for script in scripts {
        connection.execute_batch(script).unwrap();
    }
    (directory, path)
}

fn report(script: &str, selection: &Selection) -> Result<Report, NsysError> {
    let (_directory, path) = database(&[script]);
    analyse(&read(&path)?, selection)
}

fn skip(skip_utterances: usize) -> Selection {
    Selection { skip_utterances, frames: None }
}

fn frames(from: usize, count: usize) -> Selection {
    Selection { skip_utterances: 1, frames: Some(FrameWindow { from, count }) }
}

#[test]
fn gaps_and_kernels_make_the_whole_time() {
    let report = report(TWO_UTTERANCES, &skip(1)).unwrap();
    assert_eq!((report.utterances, report.frames, report.wall_ns), (1, 2, 10_000_000));
    assert_eq!((report.busy_ns, report.gaps.total_ns), (5_900_000, 4_100_000));
    let gaps = &report.gaps;
    assert_eq!((gaps.count, gaps.p50_ns, gaps.p95_ns, gaps.max_ns), (9, 400_000, 900_000, 900_000));
    assert_eq!(gaps.long_ns, gaps.total_ns);
    let in_spans: u64 = report.spans.iter().map(|span| span.gap_ns).sum();
    assert_eq!(in_spans, gaps.total_ns);
}

#[test]
fn the_longest_gaps_name_their_span_and_the_next_kernel() {
    let gaps = report(TWO_UTTERANCES, &skip(1)).unwrap().gaps.longest;
    let first = &gaps[0];
    assert_eq!((first.at_ns, first.length_ns), (4_500_000, 900_000));
    assert_eq!(first.span.as_deref(), Some("synthesize > generate_frames > sampling"));
    assert_eq!(first.next.as_deref(), Some("matvec"));
    let last = gaps.last().unwrap();
    assert_eq!((last.length_ns, last.next.as_deref()), (200_000, None));
}

#[test]
fn gpu_time_belongs_to_the_span_that_launched_it() {
    let report = report(TWO_UTTERANCES, &skip(1)).unwrap();
    let rows: Vec<_> = (report.spans.iter())
        .map(|row| (&*row.name, row.depth, row.count, row.cpu_ns, row.gpu_ns, row.launches))
        .collect();
    let expected = [
        ("synthesize", 0, 1, 10_000_000, 5_940_000, 12),
        ("prefill", 1, 1, 1_000_000, 710_000, 2),
        ("generate_frames", 1, 1, 8_000_000, 4_830_000, 9),
        ("code_predictor", 2, 2, 4_000_000, 3_200_000, 2),
        ("talker_step", 2, 2, 2_000_000, 1_400_000, 2),
        ("sampling", 2, 2, 2_000_000, 230_000, 5),
        ("top_k", 3, 1, 200_000, 100_000, 1),
        ("decode", 1, 1, 700_000, 400_000, 1),
    ];
    assert_eq!(rows, expected);
    let sampling = &report.spans[5];
    assert_eq!((sampling.gpu_self_ns, sampling.gap_ns), (130_000, 1_700_000));
    assert_eq!((report.gpu_outside_ns, report.launches), (50_000, 13));
}

#[test]
fn waits_and_copies_are_counted_by_call_direction_and_span() {
    let report = report(TWO_UTTERANCES, &skip(1)).unwrap();
    let rows: Vec<_> = (report.waits.iter())
        .map(|row| (&*row.call, row.direction, row.count, row.total_ns, row.max_ns, row.bytes))
        .collect();
    let expected = [
        ("cuMemcpyDtoHAsync", Some(Direction::DeviceToHost), 3, 250_000, 100_000, 136),
        ("cuStreamSynchronize", None, 2, 200_000, 100_000, 0),
        ("cuEventQuery", None, 1, 50_000, 50_000, 0),
        ("cuMemcpyHtoDAsync", Some(Direction::HostToDevice), 1, 10_000, 10_000, 4096),
    ];
    assert_eq!(rows, expected);
    let spans: Vec<_> = report.waits.iter().map(|row| row.span.as_deref()).collect();
    let sampling = Some("synthesize > generate_frames > sampling");
    assert_eq!(spans, [sampling, sampling, sampling, None]);
}

#[test]
fn kernels_are_listed_by_their_short_names() {
    let report = report(TWO_UTTERANCES, &skip(1)).unwrap();
    let rows: Vec<_> =
        report.kernels.iter().map(|row| (&*row.name, row.count, row.total_ns)).collect();
    assert_eq!(rows, [("matvec", 5, 5_000_000), ("(graph)", 1, 700_000), ("top_k", 2, 200_000)]);
}

#[test]
fn a_window_of_frames_is_cut_out_of_the_utterance() {
    let second = report(TWO_UTTERANCES, &frames(1, 5)).unwrap();
    assert_eq!((second.utterances, second.frames), (1, 1));
    assert_eq!((second.wall_ns, second.busy_ns), (4_000_000, 2_400_000));
    assert_eq!((second.gaps.count, second.gaps.total_ns), (4, 1_600_000));
    assert_eq!(second.launches, 5);
    let first = report(TWO_UTTERANCES, &frames(0, 1)).unwrap();
    assert_eq!((first.frames, first.wall_ns), (1, 4_000_000));
    let both = report(TWO_UTTERANCES, &frames(0, 2)).unwrap();
    assert_eq!((both.frames, both.wall_ns), (2, 8_000_000));
}

#[test]
fn without_a_selection_every_utterance_counts() {
    let report = report(TWO_UTTERANCES, &Selection::default()).unwrap();
    assert_eq!((report.utterances, report.wall_ns), (2, 11_000_000));
    assert_eq!(report.busy_ns, 5_900_000 + 700_000);
}

#[test]
fn selections_that_leave_nothing_are_refused() {
    let error = report(TWO_UTTERANCES, &skip(2)).unwrap_err();
    assert!(matches!(error, NsysError::Utterances { skipped: 2, found: 2 }), "{error}");
    let error = report(TWO_UTTERANCES, &frames(2, 1)).unwrap_err();
    assert!(matches!(error, NsysError::Frames { from: 2, longest: 2 }), "{error}");
    let error = report(NO_GPU, &frames(0, 1)).unwrap_err();
    assert!(matches!(error, NsysError::Frames { from: 0, longest: 0 }), "{error}");
}

#[test]
fn the_verdict_names_bottleneck_span_and_reads() {
    let verdict = report(TWO_UTTERANCES, &skip(1)).unwrap().verdict;
    assert_eq!(verdict.bottleneck, Bottleneck::Cpu);
    let text = verdict.reasons.join("\n");
    assert!(text.contains("kernel gaps = the CPU is the bottleneck: for 41.0 %"), "{text}");
    assert!(text.contains("41.5 % of the gaps fall into `sampling`"), "{text}");
    assert!(text.contains("1.5 device-to-host reads a frame"), "{text}");
}

#[test]
fn continuous_kernels_mean_a_saturated_gpu() {
    let fill = "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 10000000, end = 19900000
                WHERE correlationId = 11";
    let (_directory, path) = database(&[TWO_UTTERANCES, fill]);
    let report = analyse(&read(&path).unwrap(), &skip(1)).unwrap();
    assert_eq!((report.gaps.count, report.gaps.total_ns), (1, 100_000));
    assert_eq!(report.verdict.bottleneck, Bottleneck::Gpu);
    assert!(report.verdict.reasons[0].contains("the GPU is saturated (good): gaps are 1.0 %"));
}

#[test]
fn a_recording_of_the_cpu_says_so() {
    let report = report(NO_GPU, &skip(1)).unwrap();
    assert_eq!((report.launches, report.wall_ns), (0, 3_000_000));
    assert_eq!(report.verdict.bottleneck, Bottleneck::NoGpuWork);
    assert!(report.to_string().contains("no GPU work was recorded"), "{report}");
}

#[test]
fn without_ranges_the_whole_recording_counts() {
    let (_directory, path) = database(&[TWO_UTTERANCES, "DROP TABLE NVTX_EVENTS"]);
    let report = analyse(&read(&path).unwrap(), &skip(1)).unwrap();
    assert_eq!((report.utterances, report.frames, report.wall_ns), (0, 0, 20_600_000));
    assert!(report.spans.is_empty());
    assert!(report.to_string().starts_with("Whole recording"), "{report}");
}

#[test]
fn names_of_ranges_come_from_either_column() {
    let (_directory, path) = database(&[TWO_UTTERANCES]);
    let trace = read(&path).unwrap();
    let names: Vec<&str> = trace.ranges.iter().map(|range| &*range.name).collect();
    assert_eq!(names.iter().filter(|&&name| name == "talker_step").count(), 2);
    assert!(!names.contains(&"a mark"), "{names:?}");
    let open = trace.ranges.iter().find(|range| &*range.name == "still open").unwrap();
    assert_eq!((open.start, open.end), (20_500_000, 20_700_000));
}

#[test]
fn files_that_are_no_export_are_refused() {
    let missing = read(Path::new("no such.sqlite")).unwrap_err();
    assert!(matches!(missing, NsysError::Open { .. }), "{missing}");
    let (directory, path) = database(&["CREATE TABLE other (x)"]);
    let other = read(&path).unwrap_err();
    assert!(matches!(other, NsysError::NotAnExport { .. }), "{other}");
    let text = directory.path().join("text.sqlite");
    std::fs::write(&text, "not a database, but longer than the magic number of one").unwrap();
    let error = read(&text).unwrap_err();
    assert!(matches!(error, NsysError::Table { table: "StringIds", .. }), "{error}");
}

#[test]
fn a_schema_of_another_version_is_named() {
    let rename = "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME COLUMN shortName TO name";
    let (_directory, path) = database(&[TWO_UTTERANCES, rename]);
    let error = read(&path).unwrap_err();
    let message = "table CUPTI_ACTIVITY_KIND_KERNEL has no column shortName";
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn work_without_a_correlation_belongs_to_no_span() {
    let cut = "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET correlationId = NULL WHERE correlationId = 30;
               UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET correlationId = NULL WHERE correlationId = 9";
    let (_directory, path) = database(&[TWO_UTTERANCES, cut]);
    let report = analyse(&read(&path).unwrap(), &skip(1)).unwrap();
    assert_eq!(report.gpu_outside_ns, 50_000 + 400_000 + 10_000);
    let decode = report.spans.iter().find(|row| row.name == "decode").unwrap();
    assert_eq!((decode.gpu_ns, decode.launches), (0, 0));
}
