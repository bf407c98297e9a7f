//! `cargo xtask bench compare`: which of two is faster, and how sure that is.
//!
//! Programs take turns, A B B A A B …, one iteration each, so that a machine that slows down
//! slows both. For each text and metric the medians are compared; the interval is that of a
//! percentile bootstrap of their ratio, for each row on its own: of many rows without a
//! difference, a few in a hundred show one. On a machine that is busy with other work the
//! samples are not independent, and that happens more often.

mod bootstrap;
mod program;
mod report;
mod results;
mod side;
mod verdict;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::percent::Percent;
use program::Program;
use report::Report;
use results::Results;
use side::Side;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file written by `e2e_bench -o json`, a commit, or the current build:
    /// `flags:--dtype bf16`, `env:RAYON_NUM_THREADS=1`
    #[arg(value_name = "A")]
    a: String,
    /// The same for what A is compared with
    #[arg(value_name = "B")]
    b: String,
    /// Turns of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Runs before each measured one
    #[arg(long, value_name = "N", default_value_t = 1)]
    warmup: u32,
    /// Texts to speak: short, medium, long
    #[arg(long, value_name = "LABELS", default_value = "short")]
    labels: String,
    /// Length of what is spoken
    #[arg(long, value_name = "N", default_value_t = 25)]
    frames: u32,
    /// Model directory; without it the embedded model speaks
    #[arg(long, value_name = "DIR")]
    model_dir: Option<PathBuf>,
    /// Features to build with
    #[arg(long, value_name = "FEATURES")]
    features: Option<String>,
    /// Smallest change that matters
    #[arg(long, value_name = "PERCENT", default_value = "2%")]
    threshold: Percent,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Further arguments of `e2e_bench`, for both
    #[arg(last = true, value_name = "ARGS")]
    extra: Vec<OsString>,
}

/// Passes unless B is slower somewhere.
pub(super) fn run(root: &Path, args: &Args) -> Result<bool> {
    let (a, b) = (Side::parse(root, &args.a)?, Side::parse(root, &args.b)?);
    let sides = [Source::prepare(root, args, &a)?, Source::prepare(root, args, &b)?];
    let method = match &sides {
        [Source::Program(_), Source::Program(_)] => {
            format!("{} rounds, interleaved", args.rounds)
        }
        [Source::Saved(_), Source::Saved(_)] => "saved samples, not interleaved".to_owned(),
        _ => format!("saved samples against {} new runs, not interleaved", args.rounds),
    };
    let [a, b] = measure(args, sides)?;

    let rows = verdict::compare(&a, &b, args.threshold.share());
    ensure!(!rows.is_empty(), "A and B have no text in common");
    let report = Report {
        a: &args.a,
        b: &args.b,
        method: &method,
        threshold: args.threshold.share(),
        warnings: &verdict::warnings(&a, &b),
        rows: &rows,
    };
    if args.json {
        println!("{:#}", report.json());
    } else {
        print!("{}", report.text());
    }
    Ok(report.passed())
}

/// Where samples come from.
enum Source<'a> {
    Saved(Results),
    Program(Program<'a>),
}

impl<'a> Source<'a> {
    fn prepare(root: &Path, args: &Args, side: &'a Side) -> Result<Self> {
        Ok(match side {
            Side::Saved(path) => Self::Saved(Results::read(path)?),
            Side::Commit(commit) => Self::Program(Program::commit(root, args, commit)?),
            Side::Current(settings) => Self::Program(Program::current(root, args, settings)?),
        })
    }
}

/// Samples of A and of B; those that have to be measured take turns.
fn measure(args: &Args, sides: [Source; 2]) -> Result<[Results; 2]> {
    let mut results = [Results::default(), Results::default()];
    for round in 0..args.rounds {
        let mut turns: Vec<_> = sides.iter().zip(&mut results).zip(["A", "B"]).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for ((side, results), name) in turns {
            if let Source::Program(program) = side {
                let run = program.measure(args);
                results.absorb(run.with_context(|| format!("cannot measure {name}"))?);
            }
        }
    }
    let [a, b] = sides;
    let [measured_a, measured_b] = results;
    let choose = |side, measured| match side {
        Source::Saved(saved) => saved,
        Source::Program(_) => measured,
    };
    Ok([choose(a, measured_a), choose(b, measured_b)])
}
