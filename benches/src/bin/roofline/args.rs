use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use tts::{ModelFiles, Precision};
use tts_benches::random_model::{RandomModel, SPEAKING};

/// How near each stage comes to what the machine can do.
#[derive(Debug, Parser)]
#[command(name = "roofline")]
pub(crate) struct Args {
    /// CustomVoice or VoiceDesign model; without one, random weights in the shapes of the
    /// released 0.6B model
    #[arg(long, value_name = "DIR")]
    pub(crate) model_dir: Option<PathBuf>,
    /// Take the embedded model instead
    #[arg(long, conflicts_with = "model_dir")]
    pub(crate) embedded: bool,
    /// Frames of an utterance
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) frames: u32,
    /// Utterances that are measured, after one that is not
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) iterations: u32,
    /// Precision of the language models: f32, bf16, q8 or q4mix; that of a packed file, else q8
    #[arg(long)]
    pub(crate) dtype: Option<Precision>,
    /// Threads; all cores if it is left out
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Picture to write
    #[arg(long, value_name = "SVG")]
    pub(crate) plot: Option<PathBuf>,
    /// Figures to write
    #[arg(long, value_name = "JSON")]
    pub(crate) json: Option<PathBuf>,
}

impl Args {
    pub(crate) fn files(&self) -> Result<ModelFiles> {
        match &self.model_dir {
            Some(path) => Ok(ModelFiles::open(path)?),
            None if self.embedded => Ok(ModelFiles::Embedded(tts_demo_voice::FILES)),
            None => Ok(RandomModel::real_06b(&SPEAKING)?.files()),
        }
    }
}
