//! Instructions of an utterance, counted by valgrind's callgrind.
//!
//! One thread does all, and `RAYON_NUM_THREADS` keeps the tensor library from reading
//! `/proc/cpuinfo` before each product. Valgrind shows the program a processor of its own, so
//! the kernels chosen at run time do not depend on the machine as long as that has AVX2. Loading
//! the model is not counted: its hash tables are seeded. Nor is what the allocator does, which
//! depends on what loading left behind. The rest is the same to a few thousandths of a per cent;
//! the median of several runs counts.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio, id};

use anyhow::{Context, Result, bail};

/// Who speaks: valgrind needs a small model.
const MODEL: &str = "crates/tts-fixture/model";
/// What is spoken.
const UTTERANCE: [&str; 10] =
    ["--frames", "8", "--labels", "short", "--iterations", "1", "--warmup", "0", "--threads", "1"];
/// What is counted: this function of `e2e_bench` and all that it calls.
const COUNTED: &str = "*e2e_bench::measure::run*";
/// Functions of the allocator of the C library.
const ALLOCATOR: [&str; 18] = [
    "_int_free",
    "_int_malloc",
    "_int_memalign",
    "_int_realloc",
    "aligned_alloc",
    "alloc_perturb",
    "arena_get2",
    "calloc",
    "free",
    "malloc",
    "malloc_consolidate",
    "memalign",
    "munmap_chunk",
    "posix_memalign",
    "realloc",
    "sysmalloc",
    "systrim",
    "unlink_chunk",
];
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
pub(super) fn count(root: &Path, program: &Path, runs: u32) -> Result<Counts> {
    let model = root.join(MODEL);
    let counts: Result<_> = (0..runs).map(|_| count_once(program, &model)).collect();
    Ok(Counts::new(counts?))
}

fn count_once(program: &Path, model: &Path) -> Result<u64> {
    let file = env::temp_dir().join(format!("callgrind.{}.out", id()));
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&file);
    let counted = format!("--toggle-collect={COUNTED}");
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no", &counted])
        .arg(option)
        .arg(program)
        .arg("--model-dir")
        .arg(model)
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

/// The instructions without those of the allocator, from what callgrind writes.
///
/// Below a line `fn=NAME` stand the places in that function, each with its instructions; the
/// line after a line `calls=…` has those of the function that was called, which come again.
fn total(text: &str) -> Option<u64> {
    let mut total = None;
    let mut counted = false;
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            // Compilers add `.constprop.0`, and callgrind `'2` to a call within a call.
            let name = name.split(['.', '\'']).next().unwrap_or(name);
            counted = !ALLOCATOR.contains(&name);
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            if counted && !is_call {
                let count = line.split_whitespace().nth(1).unwrap_or("0");
                total = Some(total.unwrap_or(0) + count.parse::<u64>().ok()?);
            }
            is_call = false;
        } else if line.starts_with("calls=") {
            is_call = true;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_summed_without_calls_and_the_allocator() {
        let text = "# callgrind format\nevents: Ir\nsummary: 1000\n\nfl=a.rs\nfn=main\n\
                    32 5\n+1 2\nfi=b.rs\n-7 1\n* 4\ncfn=b\ncalls=3 9\n+2 700\n+3 10\n\n\
                    fn=unlink_chunk.constprop.0\n9 200\n\nfn=b\n1 20\n";
        assert_eq!(total(text), Some(42));
        assert_eq!(total("events: Ir\nsummary: 12\n"), None);
        assert_eq!(total("fn=main\n1 many\n"), None);
    }

    #[test]
    fn the_count_in_the_middle_counts() {
        let counts = Counts::new(vec![300, 100, 200]);
        assert_eq!((counts.median(), counts.spread(), counts.runs()), (200, 100.0, 3));
        assert_eq!(Counts::new(vec![7, 9]).median(), 7);
        assert_eq!(Counts::new(vec![]).spread(), 0.0);
    }
}
