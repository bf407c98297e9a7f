//! `cargo xtask bench overhead`: profiling that is compiled in and has no listener is free.

use std::path::Path;

use anyhow::Result;

use super::percent::{Percent, change};
use super::{build, callgrind};

/// The spans, without the recorder and the counting allocator of the benchmark's own feature.
const FEATURES: &str = "tts/profiling";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail if it costs so much
    #[arg(long, value_name = "PERCENT", default_value = "0.1%")]
    limit: Percent,
    /// Runs of each build, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

pub(super) fn run(root: &Path, args: &Args) -> Result<bool> {
    callgrind::version()?;
    // Both builds go to the same place: the usual one comes last and stays.
    let with = callgrind::count(root, &build::e2e_bench(root, Some(FEATURES), None)?, args.runs)?;
    let without = callgrind::count(root, &build::e2e_bench(root, None, None)?, args.runs)?;
    for (name, counts) in [("without the feature", &without), ("with it, no listener", &with)] {
        println!(
            "{name:20}  {} instructions (median of {}, {:.3} % apart)",
            counts.median(),
            counts.runs(),
            counts.spread()
        );
    }
    let cost = change(without.median(), with.median());
    let passed = cost < args.limit.number();
    let words = if passed { "below" } else { "not below" };
    println!("{cost:+.4} %, {words} the limit of {}", args.limit);
    Ok(passed)
}
