//! Chrome traces, for `chrome://tracing` and Perfetto.
//!
//! One complete event (`"ph":"X"`) for every span and one instant (`"ph":"i"`) for every
//! sync mark, in the [trace event
//! format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
//! What a GPU did is on tracks of a process of its own, one for each of its queues; calls that
//! wait for it are on a track beside those of the threads; counters are counter tracks
//! (`"ph":"C"`).
//!
//! Times are microseconds with three decimals. Compared with pairs of begin and end events,
//! the file is less than half as large.

use std::collections::BTreeSet;
use std::io::{Result, Write};

use serde_json::json;
use tts_gpu_trace::CounterSample;

use super::trace::{GpuTrace, Trace, WaitRecord};

/// Writes a trace as one JSON document.
///
/// # Errors
/// Those of the writer.
pub fn write(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    write!(writer, "{{\"traceEvents\":[")?;
    write!(writer, r#"{{"name":"process_name","ph":"M","pid":1,"args":{{"name":"tts"}}}}"#)?;
    for span in &trace.spans {
        let (ts, dur) = (Micros(span.start_ns), Micros(span.duration_ns()));
        let (name, thread) = (span.name, span.thread);
        write!(writer, ",\n{{\"name\":\"{name}\",\"ph\":\"X\",\"ts\":{ts},\"dur\":{dur},")?;
        write!(writer, "\"pid\":1,\"tid\":{thread}")?;
        if let Some(frame) = span.frame {
            write!(writer, ",\"args\":{{\"frame\":{frame}}}")?;
        }
        write!(writer, "}}")?;
    }
    for sync in &trace.syncs {
        let (site, class) = (sync.site, sync.class.name());
        let (ts, thread) = (Micros(sync.at_ns), sync.thread);
        write!(writer, ",\n{{\"name\":\"{site}\",\"cat\":\"gpu_sync\",\"ph\":\"i\",\"ts\":{ts},")?;
        write!(writer, "\"pid\":1,\"tid\":{thread},\"args\":{{\"class\":\"{class}\"}}}}")?;
    }
    write_waits(trace, writer)?;
    write_gpu(trace, writer)?;
    writeln!(writer, "],\"displayTimeUnit\":\"ms\"}}")
}

/// The track of the waits of a thread is its number and this: times of a GPU's clock need
/// not lie inside of those of spans.
const WAITS: usize = 1000;

fn write_waits(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    let waits = &trace.gpu.waits;
    // Threads count from 1; outside of spans they are not known.
    let thread_of = |wait: &WaitRecord| {
        wait.span.and_then(|span| trace.spans.get(span)).map_or(0, |span| span.thread)
    };
    for thread in waits.iter().map(thread_of).collect::<BTreeSet<_>>() {
        let name = match thread {
            0 => "waits outside of spans".to_owned(),
            thread => format!("waits of thread {thread}"),
        };
        write_name(writer, "thread", 1, WAITS + thread, &name)?;
    }
    for wait in waits {
        let (ts, dur) = (Micros(wait.start_ns), Micros(wait.duration_ns()));
        let (name, track) = (wait.name, WAITS + thread_of(wait));
        write!(writer, ",\n{{\"name\":\"{name}\",\"cat\":\"wait\",\"ph\":\"X\",\"ts\":{ts},")?;
        write!(writer, "\"dur\":{dur},\"pid\":1,\"tid\":{track}")?;
        write_span(trace, wait.span, writer)?;
        write!(writer, "}}")?;
    }
    Ok(())
}

/// The span of an event and its frame, as arguments of the event.
fn write_span(trace: &Trace, span: Option<usize>, writer: &mut dyn Write) -> Result<()> {
    if let Some(record) = span.and_then(|span| trace.spans.get(span)) {
        write!(writer, ",\"args\":{{\"span\":\"{}\"", record.name)?;
        if let Some(frame) = trace.frame_of(span) {
            write!(writer, ",\"frame\":{frame}")?;
        }
        write!(writer, "}}")?;
    }
    Ok(())
}

/// The process of a GPU is its number and this.
const FIRST_GPU: u32 = 2;
/// The process of the counters, which number GPUs in another order.
const COUNTERS: u32 = 1000;

fn write_gpu(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    let GpuTrace { work, counters, .. } = &trace.gpu;
    let gpus: BTreeSet<u32> = work.iter().map(|work| work.gpu).collect();
    for gpu in gpus {
        write_name(writer, "process", FIRST_GPU + gpu, 0, &format!("GPU {gpu}"))?;
    }
    let queues: BTreeSet<(u32, u32)> = work.iter().map(|work| (work.gpu, work.queue)).collect();
    for (gpu, queue) in queues {
        write_name(writer, "thread", FIRST_GPU + gpu, queue, &format!("queue {queue}"))?;
    }
    for work in work {
        let (ts, dur) = (Micros(work.start_ns), Micros(work.duration_ns()));
        let (name, kind) = (json!(work.name), work.kind.name());
        let (process, queue) = (FIRST_GPU + work.gpu, work.queue);
        write!(writer, ",\n{{\"name\":{name},\"cat\":\"{kind}\",\"ph\":\"X\",\"ts\":{ts},")?;
        write!(writer, "\"dur\":{dur},\"pid\":{process},\"tid\":{queue}")?;
        write_span(trace, work.span, writer)?;
        write!(writer, "}}")?;
    }
    if !counters.is_empty() {
        write_name(writer, "process", COUNTERS, 0, "GPU counters")?;
    }
    for CounterSample { gpu, counter, at_ns, value } in counters {
        let (name, ts) = (counter.name(), Micros(*at_ns));
        write!(writer, ",\n{{\"name\":\"{gpu}: {name}\",\"ph\":\"C\",\"ts\":{ts},")?;
        write!(writer, "\"pid\":{COUNTERS},\"args\":{{\"value\":{value}}}}}")?;
    }
    Ok(())
}

/// Names a process or a thread.
fn write_name(
    writer: &mut dyn Write,
    what: &str,
    process: u32,
    thread: impl std::fmt::Display,
    name: &str,
) -> Result<()> {
    write!(writer, ",\n{{\"name\":\"{what}_name\",\"ph\":\"M\",\"pid\":{process},")?;
    write!(writer, "\"tid\":{thread},\"args\":{{\"name\":\"{name}\"}}}}")
}

/// Nanoseconds as microseconds.
struct Micros(u64);

impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
