//! Chrome traces, for `chrome://tracing` and Perfetto.
//!
//! One complete event (`"ph":"X"`) for every span and one instant (`"ph":"i"`) for every
//! sync mark, in the [trace event
//! format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
//! Times are microseconds with three decimals. Compared with pairs of begin and end events,
//! the file is less than half as large.

use std::io::{Result, Write};

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
    writeln!(writer, "],\"displayTimeUnit\":\"ms\"}}")
}

/// Nanoseconds as microseconds.
struct Micros(u64);

impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
