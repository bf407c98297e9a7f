//! Chrome traces, for `chrome://tracing` and Perfetto.
//!
//! One complete event (`"ph":"X"`) for every span and one instant (`"ph":"i"`) for every
//! sync mark, in the [trace event
//! format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
//! What a GPU did is on tracks of a process of its own, one for each of its queues, and its
//! counters are counter tracks (`"ph":"C"`) there.
//!
//! Times are microseconds with three decimals. Compared with pairs of begin and end events,
//! the file is less than half as large.

use std::collections::BTreeSet;
use std::io::{Result, Write};

use serde_json::json;
use tts_gpu_trace::CounterSample;

use super::trace::Trace;

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
    write_gpu(trace, writer)?;
    writeln!(writer, "],\"displayTimeUnit\":\"ms\"}}")
}

fn write_gpu(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    if !trace.gpu.is_empty() || !trace.counters.is_empty() {
        let name = r#"{"name":"process_name","ph":"M","pid":2,"args":{"name":"GPU"}}"#;
        write!(writer, ",\n{name}")?;
    }
    let queues: BTreeSet<u32> = trace.gpu.iter().map(|work| work.queue).collect();
    for queue in queues {
        write!(writer, ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":2,\"tid\":{queue},")?;
        write!(writer, "\"args\":{{\"name\":\"queue {queue}\"}}}}")?;
    }
    for work in &trace.gpu {
        let (ts, dur) = (Micros(work.start_ns), Micros(work.duration_ns()));
        let (name, kind, queue) = (json!(work.name), work.kind.name(), work.queue);
        write!(writer, ",\n{{\"name\":{name},\"cat\":\"{kind}\",\"ph\":\"X\",\"ts\":{ts},")?;
        write!(writer, "\"dur\":{dur},\"pid\":2,\"tid\":{queue}")?;
        if let Some(span) = work.span.and_then(|span| trace.spans.get(span)) {
            write!(writer, ",\"args\":{{\"span\":\"{}\"", span.name)?;
            if let Some(frame) = trace.frame_of(work.span) {
                write!(writer, ",\"frame\":{frame}")?;
            }
            write!(writer, "}}")?;
        }
        write!(writer, "}}")?;
    }
    for CounterSample { gpu, counter, at_ns, value } in &trace.counters {
        let (name, ts) = (counter.name(), Micros(*at_ns));
        write!(writer, ",\n{{\"name\":\"{gpu}: {name}\",\"ph\":\"C\",\"ts\":{ts},\"pid\":2,")?;
        write!(writer, "\"args\":{{\"value\":{value}}}}}")?;
    }
    Ok(())
}

/// Nanoseconds as microseconds.
struct Micros(u64);

impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
