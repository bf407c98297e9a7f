//! Writes the first inputs of the corpora: small, and accepted by their targets.
//!
//! `cargo run -p tts-fuzz --example seeds -- fuzz/corpus`; without a directory they are
//! only made and run.

use std::error::Error;
use std::path::{Path, PathBuf};

use tts::{ReferenceSpeech, VoicePrompt};
use tts_audio::{Audio, AudioFormat};

const SEPARATOR: &[u8] = &[0x1e];
/// Width of the x-vectors of the model that speaks with the voices.
const WIDTH: usize = 32;
/// Recordings in formats that this workspace cannot write.
const RECORDINGS: [(&str, &str); 7] = [
    ("aac", "tone.aac"),
    ("aac_mp4", "tone.m4a"),
    ("alac_mp4", "tone-alac.m4a"),
    ("mp3", "tone.mp3"),
    ("opus", "speech.opus"),
    ("opus_surround", "surround.opus"),
    ("vorbis", "tone.ogg"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    for (target, name, content) in seeds()? {
        let (_, run) = tts_fuzz::TARGETS.into_iter().find(|(n, _)| *n == target).ok_or(target)?;
        run(&content);
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory.join(target))?;
            std::fs::write(directory.join(target).join(name), content)?;
        }
    }
    Ok(())
}

type Seed = (&'static str, &'static str, Vec<u8>);

fn seeds() -> Result<Vec<Seed>, Box<dyn Error>> {
    let file = |name: &str| {
        let found = tts_fixture::FILES.iter().find(|(path, _)| *path == name);
        found.map_or(&[][..], |(_, content)| content)
    };
    let mut seeds = vec![
        (
            "checkpoint",
            "embedded",
            [
                file("config.json"),
                file("speech_tokenizer/config.json"),
                file("generation_config.json"),
                &[],
                &[],
            ]
            .join(SEPARATOR),
        ),
        (
            "tokenizer",
            "embedded",
            [
                file("vocab.json"),
                file("merges.txt"),
                file("tokenizer_config.json"),
                &[],
                "It's 12 o'clock, <|im_end|> né?".as_bytes(),
            ]
            .join(SEPARATOR),
        ),
        (
            "text",
            "prose",
            sentence(
                "\u{14}\u{28}\u{3}Mr. Smith paid $3.50. \"Why?\" she asked…\n\nNext day, at 5 p.m., rain.",
            ),
        ),
        (
            "text",
            "scripts",
            sentence(
                "\u{8}\u{10}\u{1}今天天气很好。我们去公园吧！「はい」と言った。 한국어 e\u{301}\u{323} 🎉\u{200d}🎈\r\n- one\r\n- two",
            ),
        ),
        ("codec", "three_frames", codes(3, &[1, 2])),
        ("codec", "twelve_frames", codes(12, &[0, 4, 3, 0, 1])),
        ("voice", "x_vector", voice(None)?),
        (
            "voice",
            "reference",
            voice(Some(ReferenceSpeech {
                transcript: "What is said.".to_owned(),
                frames: (0..4).map(|f| (0..16).map(|q| (f * 16 + q) % 64).collect()).collect(),
            }))?,
        ),
    ];
    let samples: Vec<f32> = (0..400).map(|i| 0.5 * (i as f32 * 0.3).sin()).collect();
    let audio = Audio { samples, sample_rate: 8_000 };
    for (name, format) in [
        ("wav", AudioFormat::WavPcm16),
        ("wav_f32", AudioFormat::WavF32),
        ("flac", AudioFormat::Flac),
    ] {
        seeds.push(("audio", name, format.encode(&audio)?));
    }
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/tts-audio/tests/data");
    for (name, file) in RECORDINGS {
        seeds.push(("audio", name, std::fs::read(recordings.join(file))?));
    }
    Ok(seeds)
}

fn sentence(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn codes(frames: u8, sizes: &[u8]) -> Vec<u8> {
    let codes = (0..u32::from(frames) * 16).map(|i| (i * 37 % 64) as u8);
    std::iter::once(frames).chain(codes).chain(sizes.iter().copied()).collect()
}

fn voice(reference: Option<ReferenceSpeech>) -> Result<Vec<u8>, Box<dyn Error>> {
    let x_vector = (0..WIDTH).map(|i| (i as f32 * 0.7).cos()).collect();
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("voice");
    VoicePrompt { x_vector, reference }.save(&path)?;
    Ok(std::fs::read(Path::new(&path))?)
}
