use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tts::{DeviceName, Layout, Precision};

/// Text to speech with Qwen3-TTS checkpoints.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Record every stage of what is done: chrome=FILE, folded=FILE, jsonl=FILE (may be repeated)
    #[cfg(feature = "profiling")]
    #[arg(long, global = true, value_name = "OUTPUT")]
    pub(crate) profile: Vec<tts_profiling::record::Output>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Speak a text
    #[command(visible_alias = "clone")]
    Say(Box<SayArgs>),
    /// Make or show voices taken from reference audio
    #[command(subcommand)]
    Voice(VoiceCommand),
    /// List the speakers and languages of a model
    Voices(InspectArgs),
    /// Turn audio into codes (JSON)
    Encode(EncodeArgs),
    /// Turn codes into audio
    Decode(DecodeArgs),
    /// Show what a model is and holds
    Inspect(InspectArgs),
    /// Pack a model for the CPU into one file that opens at once
    Quantize(QuantizeArgs),
    /// Draw waveform and spectrogram of an audio file
    Plot(PlotArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VoiceCommand {
    /// Take a voice from reference audio and keep it in a file
    Make(VoiceMakeArgs),
    /// Show what a voice file holds
    Show {
        /// The voice file
        voice: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VoiceMakeArgs {
    #[command(flatten)]
    pub(crate) reference: ReferenceArgs,
    /// The voice file
    #[arg(long, short, default_value = "voice.safetensors")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// Reference audio.
#[derive(Debug, Args)]
#[command(next_help_heading = "Voice from reference audio (Base models)")]
pub(crate) struct ReferenceArgs {
    /// Audio of the voice: WAV, FLAC, MP3, Ogg, Opus, AAC, any rate
    #[arg(long)]
    pub(crate) ref_audio: Option<PathBuf>,
    /// What is said in it, word for word
    #[arg(long, requires = "ref_audio")]
    pub(crate) ref_text: Option<String>,
    /// Take the x-vector only; needs no transcript
    #[arg(long, requires = "ref_audio")]
    pub(crate) x_vector_only: bool,
    /// Seconds of silence put behind the audio
    #[arg(long, requires = "ref_audio", default_value_t = 0.0)]
    pub(crate) append_silence: f64,
    /// Seconds over which the audio is faded in
    #[arg(long, requires = "ref_audio", default_value_t = 0.0)]
    pub(crate) fade_in: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GuardArg {
    /// End speech that went astray
    Stop,
    /// Speak it again with the next seed
    Retry,
    /// Report it and go on
    Report,
    /// Do not watch
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// WAV, 16 bit
    Wav,
    /// WAV, 32-bit float
    WavF32,
    /// FLAC, 16 bit
    Flac,
    /// 16-bit samples without a header
    S16le,
    /// 32-bit float samples without a header
    F32le,
}

#[derive(Debug, Args)]
pub(crate) struct EncodeArgs {
    /// An audio file
    pub(crate) audio: PathBuf,
    /// The codes, "-" for standard output
    #[arg(long, short, default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DecodeArgs {
    /// Codes that `tts encode` wrote
    pub(crate) codes: PathBuf,
    /// The audio, "-" for standard output
    #[arg(long, short, default_value = "decoded.wav")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

fn layout() -> impl TypedValueParser<Value = Layout> {
    let help = |layout: Layout| match layout {
        Layout::Streaming => "One text token per frame",
        Layout::NonStreaming => "All of the text before the first frame",
    };
    let value = |layout: Layout| PossibleValue::new(layout.name()).help(help(layout));
    PossibleValuesParser::new(Layout::ALL.map(value)).try_map(|name| name.parse::<Layout>())
}

/// The names of those that `is_meant`.
fn precision(is_meant: fn(Precision) -> bool) -> impl TypedValueParser<Value = Precision> {
    let meant = Precision::ALL.into_iter().filter(|&precision| is_meant(precision));
    let names = meant.map(|precision| PossibleValue::new(precision.name()));
    // It is none; the error says why. Whoever packs a model is told what can be packed.
    let refused = is_meant(Precision::F32).then(|| PossibleValue::new("f16").hide(true));
    let names = names.chain(refused);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Precision>())
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Model directory, file of `tts quantize`, repository on the hub such as
    /// Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice, or "demo" for the one inside the program
    #[arg(long, short, default_value = "demo")]
    pub(crate) model: String,
    /// Compute device: auto, cpu, cuda or cuda:N
    #[arg(long, default_value_t)]
    pub(crate) device: DeviceName,
    /// Precision of the language models; if not given, that of a packed file, else q8 on the CPU
    /// and bf16 elsewhere
    #[arg(long, value_parser = precision(|_| true))]
    pub(crate) dtype: Option<Precision>,
    /// Threads; all cores if not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct SayArgs {
    /// The text; "-" reads it from standard input
    #[arg(required_unless_present = "file", allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Read a text of any length from a file; it is spoken sentence by sentence
    #[arg(long, short, conflicts_with = "text")]
    pub(crate) file: Option<PathBuf>,
    /// Built-in speaker; the first of the model if not given, "" for none
    #[arg(long, conflicts_with = "ref_audio")]
    pub(crate) speaker: Option<String>,
    /// Language of the text
    #[arg(long, default_value = "auto")]
    pub(crate) language: String,
    /// How to speak, or the voice to design, in words
    #[arg(long)]
    pub(crate) instruct: Option<String>,
    /// A voice file of `tts voice make` (Base models)
    #[arg(long, conflicts_with_all = ["speaker", "ref_audio"])]
    pub(crate) voice: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reference: ReferenceArgs,
    /// Where to write, "-" for standard output [default: speech.wav, or "-" with --stream]
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Form of the audio; from the name of the file if not given
    #[arg(long)]
    pub(crate) format: Option<FormatArg>,
    /// Write the audio to standard output while it is made
    #[arg(long)]
    pub(crate) stream: bool,
    /// What is done about speech that does not end
    #[arg(long, default_value = "stop")]
    pub(crate) guard: GuardArg,
    /// How often speech is spoken again with --guard retry
    #[arg(long, default_value_t = 3)]
    pub(crate) retries: u32,
    /// Print reports as JSON, one for every chunk with --stream (to standard error if the
    /// audio goes to standard output)
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
    #[arg(long, value_parser = layout())]
    pub(crate) layout: Option<Layout>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Model directory, file of `tts quantize`, repository on the hub, or "demo" for the one
    /// inside the program
    #[arg(default_value = "demo")]
    pub(crate) model: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct QuantizeArgs {
    /// Model directory, repository on the hub, or "demo" for the one inside the program
    pub(crate) model: String,
    /// The file; any command takes it as its model
    #[arg(long, short)]
    pub(crate) output: PathBuf,
    /// Precision of the language models: q8 (8 bits), or q4mix (4 bits in all layers); without it the
    /// model is measured, and layers that bear it are in 4 bits
    #[arg(long, value_parser = precision(Precision::can_be_packed))]
    pub(crate) dtype: Option<Precision>,
    /// Who speaks while a Base model is measured: a voice file of `tts voice make`; without it the
    /// voice inside the program
    #[arg(long, conflicts_with = "dtype")]
    pub(crate) voice: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    /// An audio file
    pub(crate) audio: PathBuf,
    /// The picture; the name of the audio with ".png" if not given
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}
