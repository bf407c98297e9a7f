use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Text to speech with Qwen3-TTS checkpoints.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Speak a text into a WAV file
    Say(Box<SayArgs>),
    /// Show what a model is and holds
    Inspect(InspectArgs),
    /// Draw waveform and spectrogram of a WAV file
    Plot(PlotArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LayoutArg {
    /// One text token per frame
    Streaming,
    /// All of the text before the first frame
    NonStreaming,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dtype {
    F32,
    Bf16,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Model directory, or "demo" for the one inside the program
    #[arg(long, short, default_value = "demo")]
    pub(crate) model: String,
    /// Compute device: "auto" or "cpu"
    #[arg(long, default_value = "auto", value_parser = ["auto", "cpu"])]
    pub(crate) device: String,
    /// Compute type of the language models
    #[arg(long, default_value = "f32")]
    pub(crate) dtype: Dtype,
    /// Threads; all cores if not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct SayArgs {
    /// The text; "-" reads it from standard input
    #[arg(required_unless_present = "file", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Read the text from a file
    #[arg(long, short, conflicts_with = "text")]
    pub(crate) file: Option<PathBuf>,
    /// Built-in speaker; the first of the model if not given, "" for none
    #[arg(long)]
    pub(crate) speaker: Option<String>,
    /// Language of the text
    #[arg(long, default_value = "auto")]
    pub(crate) language: String,
    /// How to speak, or the voice to design, in words
    #[arg(long)]
    pub(crate) instruct: Option<String>,
    /// Where to write: a WAV file, or "-" for standard output
    #[arg(long, short, default_value = "speech.wav")]
    pub(crate) output: PathBuf,
    /// Print a report as JSON (to standard error if the audio goes to standard output)
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress, no notes
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
}

/// Everything not given is taken from the model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Generation")]
pub(crate) struct SamplingArgs {
    /// Seed of all random draws
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Draw codebook 0 at random (true) or take the likeliest (false)
    #[arg(long)]
    pub(crate) do_sample: Option<bool>,
    /// Temperature of codebook 0
    #[arg(long)]
    pub(crate) temperature: Option<f32>,
    /// Candidates for codebook 0; 0 keeps all
    #[arg(long)]
    pub(crate) top_k: Option<usize>,
    /// Nucleus for codebook 0; 1 keeps all
    #[arg(long)]
    pub(crate) top_p: Option<f32>,
    /// Penalty on codebook-0 tokens drawn before; 1 is off
    #[arg(long)]
    pub(crate) repetition_penalty: Option<f32>,
    /// Draw the other codebooks at random (true) or take the likeliest (false)
    #[arg(long)]
    pub(crate) subtalker_do_sample: Option<bool>,
    /// Temperature of the other codebooks
    #[arg(long)]
    pub(crate) subtalker_temperature: Option<f32>,
    /// Candidates for the other codebooks; 0 keeps all
    #[arg(long)]
    pub(crate) subtalker_top_k: Option<usize>,
    /// Nucleus for the other codebooks; 1 keeps all
    #[arg(long)]
    pub(crate) subtalker_top_p: Option<f32>,
    /// Codebook-0 tokens at most
    #[arg(long)]
    pub(crate) max_new_tokens: Option<usize>,
    /// Seconds of audio at most
    #[arg(long)]
    pub(crate) max_seconds: Option<f64>,
    /// Where the text stands in the prompt
    #[arg(long)]
    pub(crate) layout: Option<LayoutArg>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Model directory, or "demo" for the one inside the program
    #[arg(default_value = "demo")]
    pub(crate) model: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    /// A WAV file
    pub(crate) audio: PathBuf,
    /// The picture; the name of the audio with ".png" if not given
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}
