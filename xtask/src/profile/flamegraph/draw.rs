//! Folded stacks to pictures.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph::{Options, Palette, color::BasicPalette, from_reader};

/// What perf calls a function without a symbol.
const UNKNOWN: &str = "[unknown]";
/// Per cent of the picture; functions that are narrower are left out.
const LEAST_WIDTH: f64 = 0.1;

/// Folds what `perf script` prints.
pub(super) fn fold(script: &Path, folded: &Path) -> Result<()> {
    let reader = BufReader::new(File::open(script)?);
    let mut stacks = Vec::new();
    Folder::default().collapse(reader, &mut stacks).context("cannot fold the samples of perf")?;
    let mut writer = BufWriter::new(File::create(folded)?);
    for stack in stacks.lines() {
        writeln!(writer, "{}", without_runs_of_unknown(&stack?))?;
    }
    writer.flush()?;
    Ok(())
}

/// Where a library has no frame pointers, perf walks over garbage, up to its longest stack.
fn without_runs_of_unknown(stack: &str) -> String {
    let mut functions: Vec<&str> = stack.split(';').collect();
    functions.dedup_by(|next, function| *next == UNKNOWN && *function == UNKNOWN);
    functions.join(";")
}

/// Draws folded stacks, widest where most of `unit` were counted.
pub(super) fn flamegraph(folded: &Path, picture: &Path, title: &str, unit: &str) -> Result<()> {
    let mut options = Options::default();
    options.title = format!("tts: {title}");
    unit.clone_into(&mut options.count_name);
    options.colors = Palette::Basic(BasicPalette::Hot);
    options.deterministic = true;
    options.min_width = LEAST_WIDTH;
    let reader = BufReader::new(
        File::open(folded).with_context(|| format!("cannot open {}", folded.display()))?,
    );
    let writer = BufWriter::new(
        File::create(picture).with_context(|| format!("cannot write {}", picture.display()))?,
    );
    from_reader(&mut options, reader, writer)
        .with_context(|| format!("cannot draw {}", folded.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_in_the_picture() {
        let home = tempfile::tempdir().unwrap();
        let (folded, picture) = (home.path().join("f"), home.path().join("f.svg"));
        std::fs::write(&folded, "synthesize 10\nsynthesize;generate_frames;talker_step 90\n")
            .unwrap();
        flamegraph(&folded, &picture, "Self time of spans", "µs").unwrap();
        let svg = std::fs::read_to_string(picture).unwrap();
        assert!(svg.contains("talker_step (90 µs, 90.00%)"), "{svg}");
    }

    #[test]
    fn functions_without_a_name_count_once() {
        let stack = "a;[unknown];[unknown];[unknown];b;b;[unknown] 7";
        assert_eq!(without_runs_of_unknown(stack), "a;[unknown];b;b;[unknown] 7");
    }

    #[test]
    fn nothing_recorded_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let (folded, picture) = (home.path().join("f"), home.path().join("f.svg"));
        std::fs::write(&folded, "").unwrap();
        assert!(flamegraph(&folded, &picture, "", "").is_err());
    }
}
