//! Instructions of a run, counted by valgrind's callgrind.
//!
//! The run is as repeatable as a program with threads and seeded hash tables can be: one
//! thread in every pool, a fixed number of frames, no warm-up. `RAYON_NUM_THREADS` also keeps
//! the tensor library from reading `/proc/cpuinfo` before each product. Valgrind shows the
//! program a processor of its own, so the kernels chosen at run time do not depend on the
//! machine as long as that has AVX2. What is left comes from the second thread, of the pool,
//! that looks for work and frees memory of the first: of 183.2 million instructions, runs of
//! one program differed by 0.06 % (standard deviation), and one in ten was 0.2 to 0.5 % above
//! the others. Fixed keys of hash tables, settings of the allocator and fair scheduling of the
//! threads made no difference. Hence the median of several runs.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio, id};

use anyhow::{Context, Result, bail};

/// What is spoken.
const UTTERANCE: [&str; 10] =
    ["--frames", "8", "--labels", "short", "--iterations", "1", "--warmup", "0", "--threads", "1"];
/// One thread, in the pools that have no option too.
const ONE_THREAD: [(&str, &str); 2] = [("RAYON_NUM_THREADS", "1"), ("CANDLE_NUM_THREADS", "1")];

/// Counts of several runs of one program.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    /// From the lowest to the highest.
    sorted: Vec<u64>,
}

impl Counts {
    fn new(mut counts: Vec<u64>) -> Self {
        counts.sort_unstable();
        Self { sorted: counts }
    }

    /// The count in the middle; the lower one of two.
    pub(super) fn median(&self) -> u64 {
        let middle = self.sorted.len().saturating_sub(1) / 2;
        self.sorted.get(middle).copied().unwrap_or(0)
    }

    /// How far the runs are apart, in per cent of the median.
    pub(super) fn spread(&self) -> f64 {
        let ends = self.sorted.first().zip(self.sorted.last());
        let distance = ends.map_or(0, |(lowest, highest)| highest - lowest);
        100.0 * distance as f64 / self.median().max(1) as f64
    }

    pub(super) fn runs(&self) -> usize {
        self.sorted.len()
    }
}

/// The version of valgrind.
pub(super) fn version() -> Result<String> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let version = text.trim().trim_start_matches("valgrind-");
            Ok(version.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("valgrind is not on PATH: install it (https://valgrind.org, package valgrind)")
        }
        Err(error) => Err(error).context("cannot start valgrind"),
    }
}

/// Runs `program` so many times and counts its instructions.
pub(super) fn count(program: &Path, runs: u32) -> Result<Counts> {
    let counts: Result<_> = (0..runs).map(|_| count_once(program)).collect();
    Ok(Counts::new(counts?))
}

fn count_once(program: &Path) -> Result<u64> {
    let file = env::temp_dir().join(format!("callgrind.{}.out", id()));
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&file);
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(option)
        .arg(program)
        .args(UTTERANCE)
        .envs(ONE_THREAD)
        .stdout(Stdio::null());
    let output = command.output().context("cannot start valgrind")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("valgrind failed ({}): {}", output.status, message.trim());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
    fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    total(&text).context("valgrind wrote no count")
}

/// The instructions of the whole run, from what callgrind writes.
fn total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("summary:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_count() {
        let text = "# callgrind format\nevents: Ir\nsummary: 183926418\n\nfl=(1)\n+2 2\n";
        assert_eq!(total(text), Some(183_926_418));
        assert_eq!(total("events: Ir\n"), None);
        assert_eq!(total("summary: many\n"), None);
    }

    #[test]
    fn the_count_in_the_middle_counts() {
        let counts = Counts::new(vec![300, 100, 200]);
        assert_eq!((counts.median(), counts.spread(), counts.runs()), (200, 100.0, 3));
        assert_eq!(Counts::new(vec![7, 9]).median(), 7);
        assert_eq!(Counts::new(vec![]).spread(), 0.0);
    }
}
