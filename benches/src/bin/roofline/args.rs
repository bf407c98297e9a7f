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
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) iterations: u32,
    /// Precision of the language models: f32, bf16, q8 or q4mix
    #[arg(long, default_value_t = Precision::Q8)]
    pub(crate) dtype: Precision,
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

    /// Bytes of a weight of the language models in an operation.
    pub(crate) fn weight_bytes(&self, operation: &str) -> f64 {
        let in_layers = matches!(operation, "projections" | "attention" | "MLP");
        match self.dtype {
            Precision::F32 => 4.0,
            Precision::Bf16 => 2.0,
            Precision::Q4Mix if in_layers => 4.5 / 8.0,
            Precision::Q8 | Precision::Q4Mix => 8.5 / 8.0,
            Precision::Fp8 => 8.25 / 8.0,
        }
    }

    /// Bytes of a key or value that is kept.
    pub(crate) fn cache_bytes(&self) -> f64 {
        match self.dtype {
            Precision::Bf16 | Precision::Fp8 => 2.0,
            Precision::F32 | Precision::Q8 | Precision::Q4Mix => 4.0,
        }
    }
}
