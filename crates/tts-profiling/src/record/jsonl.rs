//! One JSON object per line: for scripts.

use std::io::{Result, Write};

use serde_json::json;

use super::trace::Trace;

/// Writes every span, then every sync mark. Times are nanoseconds from the start of the
/// recording; `parent` is the number of a line, from 0.
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
    Ok(())
}
