use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use tts::{DeviceName, Layout, Precision};

/// Times whole utterances.
#[derive(Debug, Parser)]
#[command(name = "e2e_bench")]
pub(crate) struct Args {
    /// Model directory; without one the embedded model is measured.
    #[arg(long)]
    pub(crate) model_dir: Option<PathBuf>,
    /// Measure random weights in the shapes of a released model instead, made in memory; of 0.6B if
    /// no size is given.
    #[arg(
        long,
        value_name = "SIZE",
        num_args = 0..=1,
        default_missing_value = "0.6b",
        conflicts_with = "model_dir"
    )]
    pub(crate) random: Option<RandomSize>,
    /// Where it runs: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value_t)]
    pub(crate) device: DeviceName,
    /// Measured runs of each text.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) iterations: u32,
    /// Runs of each text before that, not measured.
    #[arg(long, default_value_t = 1)]
    pub(crate) warmup: u32,
    /// Seed of every run.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Texts to speak.
    #[arg(long, value_delimiter = ',', default_value = "short,medium,long")]
    pub(crate) labels: Vec<String>,
    /// Measure a stream: what a listener waits for.
    #[arg(long, conflicts_with = "batch")]
    pub(crate) streaming: bool,
    /// Frames of the first chunk of a stream; the next ones are twice as long at most, in time.
    #[arg(long, default_value_t = 1, requires = "streaming", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) first_chunk: u32,
    /// Speak the text so many times together.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,
    /// Generate exactly so many frames, whatever the model says of the end.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) frames: Option<u32>,
    /// Precision of the language models: f32, bf16, q8, fp8 or q4mix; if it is left out that of a
    /// packed file, else q8 on the CPU and bf16 elsewhere.
    #[arg(long)]
    pub(crate) dtype: Option<Precision>,
    /// Where the text stands in the prompt: streaming or non-streaming; as the model has it if it
    /// is left out.
    #[arg(long)]
    pub(crate) layout: Option<Layout>,
    /// Frames that are generated before the host reads them; 1 on the CPU and 4 on a GPU if it is
    /// left out.
    #[arg(long)]
    pub(crate) frames_per_read: Option<usize>,
    /// Whether a GPU repeats whole frames as graphs, true or false; if it is left out, unless a
    /// profile is written: a graph has no stages.
    #[arg(long)]
    pub(crate) graphs: Option<bool>,
    /// Threads; all cores if it is left out.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Form of the report.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Write a profile: chrome=FILE, folded=FILE, jsonl=FILE, nvtx.
    #[cfg(feature = "profiling")]
    #[arg(long)]
    pub(crate) profile: Vec<tts_profiling::record::Output>,
    /// Sample the program while it measures, and write folded stacks.
    #[cfg(feature = "sampling")]
    #[arg(long)]
    pub(crate) sample: Option<PathBuf>,
    /// Print the profile, counted together, after the report.
    #[cfg(feature = "profiling")]
    #[arg(long)]
    pub(crate) summary: bool,
    /// Write the profile, counted together, as JSON.
    #[cfg(feature = "profiling")]
    #[arg(long)]
    pub(crate) summary_json: Option<PathBuf>,
}

/// A released size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RandomSize {
    #[value(name = "0.6b")]
    Small,
    #[value(name = "1.7b")]
    Large,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns.
    Table,
    /// A Markdown table.
    Md,
    /// One row for every text.
    Csv,
    /// One document, with the samples and the environment.
    Json,
    /// One object for every sample.
    Jsonl,
}
