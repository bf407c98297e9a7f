//! Folded stacks to pictures.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use anyhow::{Context, Result};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph::{Options, Palette, color::BasicPalette, from_reader};

/// Folds what `perf script` prints.
pub(super) fn fold(script: &Path, folded: &Path) -> Result<()> {
    let reader = BufReader::new(File::open(script)?);
    let writer = BufWriter::new(File::create(folded)?);
    Folder::default().collapse(reader, writer).context("cannot fold the samples of perf")
}

/// Draws folded stacks, widest where most of `unit` were counted.
pub(super) fn flamegraph(folded: &Path, picture: &Path, title: &str, unit: &str) -> Result<()> {
    let mut options = Options::default();
    options.title = format!("tts: {title}");
    unit.clone_into(&mut options.count_name);
    options.colors = Palette::Basic(BasicPalette::Hot);
    options.deterministic = true;
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
    fn nothing_recorded_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let (folded, picture) = (home.path().join("f"), home.path().join("f.svg"));
        std::fs::write(&folded, "").unwrap();
        assert!(flamegraph(&folded, &picture, "", "").is_err());
    }
}
