//! Folded stacks, for flame graphs: the names from the root, and a number.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use super::trace::Trace;

/// Writes a line for every path of spans, with the time spent there and in no span inside,
/// in microseconds.
///
/// # Errors
/// Those of the writer.
pub fn write(trace: &Trace, writer: &mut dyn Write) -> Result<()> {
    let mut stacks: BTreeMap<String, u64> = BTreeMap::new();
    for (span, time) in trace.self_times_ns().into_iter().enumerate() {
        *stacks.entry(trace.path(span).join(";")).or_default() += time;
    }
    for (stack, time) in stacks {
        writeln!(writer, "{stack} {}", time.div_ceil(1000))?;
    }
    Ok(())
}
