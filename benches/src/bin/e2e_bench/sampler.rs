//! Where the processor is, asked a thousand times a second of work.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use pprof::{ProfilerGuard, ProfilerGuardBuilder};

use crate::args::Args;

/// Samples a second; not a divisor of anything that repeats.
const FREQUENCY: i32 = 997;
/// Libraries in which a stack cannot be looked at safely.
const NOT_IN: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// A sampler, if one was asked for.
pub(crate) struct Sampler(Option<(ProfilerGuard<'static>, PathBuf)>);

pub(crate) fn start(args: &Args) -> Result<Sampler> {
    let Some(path) = args.sample.clone() else { return Ok(Sampler(None)) };
    let builder = ProfilerGuardBuilder::default().frequency(FREQUENCY).blocklist(&NOT_IN);
    Ok(Sampler(Some((builder.build().context("cannot sample this program")?, path))))
}

impl Sampler {
    /// Writes a line for every stack that was seen: the functions from the root, and how
    /// often.
    pub(crate) fn finish(self) -> Result<()> {
        let Self(Some((guard, path))) = self else { return Ok(()) };
        let report = guard.report().build().context("cannot read the samples")?;
        let file = std::fs::File::create(&path);
        let mut file =
            BufWriter::new(file.with_context(|| format!("cannot write {}", path.display()))?);
        for (stack, count) in &report.data {
            let functions = stack.frames.iter().rev().flatten().map(pprof::Symbol::name);
            let functions: Vec<String> = functions.map(|name| name.replace(';', ":")).collect();
            writeln!(file, "{};{} {count}", stack.thread_name, functions.join(";"))?;
        }
        Ok(file.flush()?)
    }
}
