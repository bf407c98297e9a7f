use std::fmt::Write as _;

use serde_json::json;
use tts_checkpoint::{Checkpoint, ModelFiles, PackedFile, Part, PartCount};

use crate::args::InspectArgs;
use crate::error::CliError;
use crate::model;

pub(crate) fn run(args: &InspectArgs) -> Result<(), CliError> {
    let checkpoint = Checkpoint::open(model::files(&args.model)?)?;
    let text =
        if args.json { format!("{}\n", json_report(&checkpoint)) } else { report(&checkpoint) };
    crate::print(text.as_bytes())
}

/// What a request may name as its speaker and its language.
pub(crate) fn voices(args: &InspectArgs) -> Result<(), CliError> {
    let checkpoint = Checkpoint::open(model::files(&args.model)?)?;
    let speakers = tts::supported_speakers(&checkpoint.config);
    let languages = tts::supported_languages(&checkpoint.config);
    let text = if args.json {
        format!("{}\n", json!({"speakers": speakers, "languages": languages}))
    } else {
        format!("speakers   {}\nlanguages  {}\n", list(&speakers), list(&languages))
    };
    crate::print(text.as_bytes())
}

/// Bytes of the weights in memory, in f32 or as they are packed: without the text embedding,
/// which stays on disk, and without the codec encoder, which speaking does not load.
fn memory_bytes(checkpoint: &Checkpoint) -> usize {
    let parts = &checkpoint.census.parts;
    let loaded = parts.iter().filter(|(part, _)| {
        matches!(part, Part::Talker | Part::CodePredictor | Part::CodecDecoder)
    });
    let bytes = |count: &PartCount| match precision(checkpoint) {
        Some(_) => count.bytes,
        None => count.values * size_of::<f32>(),
    };
    loaded.map(|(_, count)| bytes(count)).sum()
}

/// The precision of a packed model.
fn precision(checkpoint: &Checkpoint) -> Option<&str> {
    match &checkpoint.files {
        ModelFiles::Packed(file) => Some(file.precision()),
        ModelFiles::Directory(_) | ModelFiles::Embedded(_) => None,
    }
}

/// Bits of a weight in the layers of a packed model: of the talker, and of the code predictor.
fn bits_per_weight(checkpoint: &Checkpoint) -> Option<[f64; 2]> {
    let ModelFiles::Packed(file) = &checkpoint.files else { return None };
    let bits = |below| file.bits_per_weight(below);
    Some([bits(PackedFile::TALKER_LAYERS)?, bits(PackedFile::PREDICTOR_LAYERS)?])
}

fn json_report(checkpoint: &Checkpoint) -> serde_json::Value {
    let c = &checkpoint.config;
    let parts: serde_json::Map<_, _> = (checkpoint.census.parts.iter())
        .map(|(part, count)| {
            let count = json!({
                "tensors": count.tensors, "values": count.values, "bytes": count.bytes,
            });
            (part.name().replace(' ', "_"), count)
        })
        .collect();
    json!({
        "kind": c.tts_model_type.name(),
        "size": c.tts_model_size,
        "hidden_size": c.talker_config.hidden_size,
        "layers": c.talker_config.num_hidden_layers,
        "code_groups": c.talker_config.num_code_groups,
        "sample_rate": checkpoint.codec.output_sample_rate,
        "samples_per_frame": checkpoint.codec.decode_upsample_rate,
        "speakers": tts::supported_speakers(c),
        "languages": tts::supported_languages(c),
        "parts": parts,
        "unknown_tensors": checkpoint.census.unknown,
        "packed": precision(checkpoint),
        "bits_per_weight": bits_per_weight(checkpoint),
        "memory_bytes": memory_bytes(checkpoint),
    })
}

fn report(checkpoint: &Checkpoint) -> String {
    let c = &checkpoint.config;
    let (t, p) = (&c.talker_config, &c.talker_config.code_predictor_config);
    let d = &checkpoint.codec.decoder_config;
    let rate = f64::from(checkpoint.codec.output_sample_rate);
    let frame_rate = rate / checkpoint.codec.decode_upsample_rate as f64;
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:16} {value}");
    };
    line("kind", format!("{} ({})", c.tts_model_type.name(), c.tts_model_size));
    line(
        "talker",
        format!(
            "{} layers, width {}, heads {}/{} x {}, {} text and {} codec ids",
            t.num_hidden_layers,
            t.hidden_size,
            t.num_attention_heads,
            t.num_key_value_heads,
            t.head_dim,
            t.text_vocab_size,
            t.vocab_size
        ),
    );
    line(
        "code predictor",
        format!(
            "{} layers, width {}, heads {}/{} x {}, {} codebooks of {}",
            p.num_hidden_layers,
            p.hidden_size,
            p.num_attention_heads,
            p.num_key_value_heads,
            p.head_dim,
            p.num_code_groups - 1,
            p.vocab_size
        ),
    );
    line("codec", format!("{rate} Hz, {frame_rate} frames a second, window {}", d.sliding_window));
    line("speakers", list(&tts::supported_speakers(c)));
    line("languages", list(&tts::supported_languages(c)));
    for (part, count) in &checkpoint.census.parts {
        let megabytes = count.bytes as f64 / 1e6;
        line(
            part.name(),
            format!("{:5} tensors {:13} values {megabytes:9.1} MB", count.tensors, count.values),
        );
    }
    let total = checkpoint.census.total();
    let megabytes = total.bytes as f64 / 1e6;
    line(
        "total",
        format!("{:5} tensors {:13} values {megabytes:9.1} MB", total.tensors, total.values),
    );
    if let Some([talker, predictor]) = bits_per_weight(checkpoint) {
        let value = format!("{talker:.1} in the talker, {predictor:.1} in the code predictor");
        line("bits a weight", value);
    }
    let precision = precision(checkpoint).unwrap_or("f32");
    let megabytes = memory_bytes(checkpoint) as f64 / 1e6;
    line(&format!("memory for {precision}"), format!("{megabytes:.1} MB of weights"));
    for name in &checkpoint.census.unknown {
        line("unknown tensor", name.clone());
    }
    out
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
