//! One JSON object per line: for scripts.

use std::io::{Result, Write};

use serde_json::json;

use super::trace::Trace;

/// Writes every span, then every sync mark, then what a GPU did, waits for it and its counters.
/// Times are nanoseconds from the start of the recording; `parent` is the number of a line,
/// from 0.
///
/// # Errors
/// Those of the writer.
pub fn write(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    for span in &trace.spans {
        let line = json!({
            "span": span.name,
            "frame": span.frame,
            "thread": span.thread,
            "parent": span.parent,
            "start_ns": span.start_ns,
            "end_ns": span.end_ns,
            "allocations": span.allocations.count,
            "allocated_bytes": span.allocations.bytes,
        });
        writeln!(writer, "{line}")?;
    }
    for sync in &trace.syncs {
        let line = json!({
            "sync": sync.site,
            "class": sync.class.name(),
            "frame": trace.frame_of(sync.parent),
            "thread": sync.thread,
            "parent": sync.parent,
            "at_ns": sync.at_ns,
        });
        writeln!(writer, "{line}")?;
    }
    for work in &trace.gpu.work {
        let line = json!({
            "gpu": work.name,
            "kind": work.kind.name(),
            "frame": trace.frame_of(work.span),
            "of_gpu": work.gpu,
            "queue": work.queue,
            "parent": work.span,
            "start_ns": work.start_ns,
            "end_ns": work.end_ns,
        });
        writeln!(writer, "{line}")?;
    }
    for wait in &trace.gpu.waits {
        let line = json!({
            "wait": wait.name,
            "frame": trace.frame_of(wait.span),
            "parent": wait.span,
            "start_ns": wait.start_ns,
            "end_ns": wait.end_ns,
        });
        writeln!(writer, "{line}")?;
    }
    for sample in &trace.gpu.counters {
        let line = json!({
            "counter": sample.counter.name(),
            "of_gpu": sample.gpu,
            "at_ns": sample.at_ns,
            "value": sample.value,
        });
        writeln!(writer, "{line}")?;
    }
    Ok(())
}
