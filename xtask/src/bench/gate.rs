//! `cargo xtask bench gate`: fails when an utterance takes more instructions than recorded.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::percent::{Percent, change};
use super::record::{Record, Records, Setting};
use super::{build, callgrind};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Record this count instead of comparing with the recorded one
    #[arg(long)]
    update: bool,
    /// How many more instructions are let pass
    #[arg(long, value_name = "PERCENT", default_value = "0.5%")]
    tolerance: Percent,
    /// Runs, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Features to build with
    #[arg(long, value_name = "FEATURES", default_value = "")]
    features: String,
    /// The recorded counts; without it `benches/gate.toml`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(super) fn run(root: &Path, args: &Args) -> Result<bool> {
    let valgrind = callgrind::version()?;
    let setting = Setting::here(root, valgrind, &args.features)?;
    let path = args.record.clone().unwrap_or_else(|| root.join("benches/gate.toml"));
    let mut records = Records::read(&path)?;
    let features = Some(args.features.as_str()).filter(|features| !features.is_empty());
    let program = build::e2e_bench(root, features, None)?;
    let counts = callgrind::count(root, &program, args.runs)?;
    let count = counts.median();
    println!("{count} instructions (median of {}, {:.3} % apart)", counts.runs(), counts.spread());

    if args.update {
        records.put(Record { setting, instructions: count });
        records.write(&path)?;
        println!("recorded in {}", path.display());
        return Ok(true);
    }
    let Some(record) = records.find(&setting) else {
        println!("not comparable: nothing is recorded for {}", setting.target);
        return Ok(true);
    };
    if let Some(difference) = setting.difference(&record.setting) {
        println!("not comparable: recorded with {difference}");
        return Ok(true);
    }
    let (passed, verdict) = judge(count, record.instructions, args.tolerance);
    println!("{verdict}");
    Ok(passed)
}

/// Whether a count passes, and why.
fn judge(count: u64, recorded: u64, tolerance: Percent) -> (bool, String) {
    let change = change(recorded, count);
    let (passed, words) = if change > tolerance.number() {
        (false, "more than allowed; if that is meant: cargo xtask bench gate --update")
    } else if change < -tolerance.number() {
        (true, "fewer; keep that: cargo xtask bench gate --update")
    } else {
        (true, "as recorded")
    };
    let verdict =
        format!("{change:+.3} % to the recorded {recorded} (tolerance {tolerance}): {words}");
    (passed, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_the_tolerance_fails() {
        let tolerance = "0.5%".parse().unwrap();
        let judged = |count| judge(count, 100_000, tolerance);
        for (count, passed, words) in [
            (100_000, true, "as recorded"),
            (100_500, true, "as recorded"),
            (100_501, false, "more than allowed"),
            (99_400, true, "fewer"),
        ] {
            let (found, verdict) = judged(count);
            assert_eq!(found, passed, "{verdict}");
            assert!(verdict.contains(words), "{verdict}");
        }
        assert!(judged(100_501).1.starts_with("+0.501 % to the recorded 100000"));
    }
}
