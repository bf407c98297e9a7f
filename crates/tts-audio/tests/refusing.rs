//! Files that are damaged, too large, or not audio at all.

mod files;

use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use files::{FLOAT, INTEGER, LIMITS, Nonsense, aiff, extensible_wav, read, wav};
use tts_audio::{
    Audio, AudioError, AudioFormat, Limits, MAX_CHANNELS, Result, read_audio, read_audio_file,
};

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new("tests/data").join(name)).unwrap()
}

/// 0.5 s of a tone.
fn audio() -> Audio {
    let samples = (0..12_000).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect();
    Audio { samples, sample_rate: 24_000 }
}

fn within(bytes: &[u8], max_seconds: f64) -> Result<Audio> {
    read_audio(Cursor::new(bytes), Limits { max_seconds })
}

#[test]
fn what_is_not_audio_is_refused_as_such() {
    let mut nonsense = Nonsense(1);
    let noise: Vec<u8> = (0..5000).map(|_| nonsense.next() as u8).collect();
    for bytes in [
        b"text, not audio".as_slice(),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10",
        b"PK\x03\x04 a spreadsheet",
        b"{\"json\": true}",
        b"R",
        &vec![0; 100_000],
        &noise,
    ] {
        assert!(matches!(read(bytes), Err(AudioError::NotAudio { .. })));
    }
}

#[test]
fn files_without_samples_are_empty() {
    assert!(matches!(read(b""), Err(AudioError::Empty)));
    assert!(matches!(read(&wav(INTEGER, 1, 16, b"")), Err(AudioError::Empty)));
    assert!(matches!(read(&aiff(b"")), Err(AudioError::Empty)));
}

#[test]
fn bare_markers_are_refused() {
    for marker in ["RIFF", "RIFF\0\0\0\0WAVE", "fLaC", "OggS", "ID3\x04", "FORM\0\0\0\0AIFF"] {
        assert!(read(marker.as_bytes()).is_err(), "{marker:?}");
    }
    assert!(read(b"\0\0\0\x10ftypM4A \0\0\0\0").is_err());
    assert!(read(&[0xff, 0xfb, 0x90, 0x64]).is_err());
}

#[test]
fn other_codecs_are_named_as_unsupported() {
    let gsm = wav(0x31, 1, 16, &[0; 100]);
    let message = match read(&gsm) {
        Err(error @ AudioError::UnsupportedCodec { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(message.ends_with("convert it to WAV or FLAC"), "{message}");

    // Movie fragments can make the demuxer count for hours.
    let fragmented = [data("tone.m4a"), b"\0\0\0\x08moof".to_vec()].concat();
    assert!(matches!(read(&fragmented), Err(AudioError::UnsupportedCodec { .. })));
    let hidden = [vec![b' '; 100], data("tone.m4a")].concat();
    assert!(matches!(read(&hidden), Err(AudioError::UnsupportedCodec { .. })));
}

#[test]
fn every_truncation_of_a_wav_file_is_noticed() {
    let bytes = AudioFormat::WavPcm16.encode(&audio()).unwrap();
    for length in (1..60).chain((60..bytes.len()).step_by(997)).chain([bytes.len() - 1]) {
        match read(&bytes[..length]) {
            Err(AudioError::Truncated { expected: Some(12_000), found }) => {
                assert_eq!(found, (length - 44) / 2);
            }
            Err(AudioError::NotAudio { .. } | AudioError::Truncated { expected: None, .. }) => {
                assert!(length < 44, "{length} bytes");
            }
            other => panic!("{length} bytes gave {other:?}"),
        }
    }
}

#[test]
fn a_truncated_flac_file_is_named_with_both_lengths() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.flac");
    let bytes = AudioFormat::Flac.encode(&audio()).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let Err(AudioError::Content { path: named, source }) = read_audio_file(&path, LIMITS) else {
        panic!("accepted");
    };
    assert_eq!(named, path);
    let AudioError::Truncated { expected: Some(12_000), found } = *source else {
        panic!("{source:?}");
    };
    assert!((1..12_000).contains(&found));
    assert_eq!(
        source.to_string(),
        format!(
            "expected 12000 samples per channel, the data ends after {found} samples per channel"
        )
    );
}

#[test]
fn a_cut_through_any_counted_format_is_noticed() {
    let samples: Vec<u8> = (0..4000_i16).flat_map(i16::to_be_bytes).collect();
    for (name, bytes) in [
        ("wav", AudioFormat::WavPcm16.encode(&audio()).unwrap()),
        ("wav-f32", AudioFormat::WavF32.encode(&audio()).unwrap()),
        ("flac", AudioFormat::Flac.encode(&audio()).unwrap()),
        ("aiff", aiff(&samples)),
        ("tone24.flac", data("tone24.flac")),
        ("tone.ogg", data("tone.ogg")),
        ("tone.opus", data("tone.opus")),
        ("speech.opus", data("speech.opus")),
        ("tone.m4a", data("tone.m4a")),
        ("tone-alac.m4a", data("tone-alac.m4a")),
        ("tone.mp3", data("tone.mp3")),
    ] {
        assert!(read(&bytes).is_ok(), "{name}");
        for hundredth in 1..=95 {
            let length = bytes.len() * hundredth / 100;
            assert!(read(&bytes[..length]).is_err(), "{name}: {length} of {}", bytes.len());
        }
        assert!(read(&bytes[..bytes.len() - 1]).is_err() || name == "tone.mp3", "{name}");
    }
}

#[test]
fn every_flipped_bit_of_a_checked_format_is_noticed() {
    let bytes = AudioFormat::Flac.encode(&audio()).unwrap();
    for at in (100..bytes.len()).step_by(89) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let result = read(&damaged);
        assert!(
            matches!(result, Err(AudioError::Corrupt { .. } | AudioError::Truncated { .. })),
            "byte {at}: {result:?}"
        );
    }
}

#[test]
fn long_audio_is_refused_by_its_header() {
    for format in [AudioFormat::WavPcm16, AudioFormat::WavF32, AudioFormat::Flac] {
        let bytes = format.encode(&audio()).unwrap(); // 0.5 s
        assert!(within(&bytes, 0.5).is_ok());
        for max_seconds in [0.499, 0.0, -1.0, f64::NAN] {
            assert!(matches!(
                within(&bytes, max_seconds),
                Err(AudioError::TooLong { seconds: 0.5, .. })
            ));
        }
    }
}

#[test]
fn long_audio_is_refused_where_no_header_tells() {
    for name in ["tone.ogg", "tone.opus", "tone.m4a", "tone.aac", "tone.mp3"] {
        let bytes = data(name);
        assert!(within(&bytes, 0.55).is_ok(), "{name}");
        assert!(matches!(within(&bytes, 0.3), Err(AudioError::TooLong { .. })), "{name}");
    }
    let mut stream = AudioFormat::WavPcm16.encode(&audio()).unwrap();
    stream[40..44].fill(0xff);
    stream[4..8].fill(0xff);
    assert!(matches!(within(&stream, 0.3), Err(AudioError::TooLong { .. })));
}

#[test]
fn a_little_data_cannot_make_a_lot_of_audio() {
    // 200 s of silence in a few hundred bytes.
    let silence = Audio { samples: vec![0.0; 1_600_000], sample_rate: 8_000 };
    let bytes = AudioFormat::Flac.encode(&silence).unwrap();
    assert!(bytes.len() < 10_000);
    assert!(matches!(read(&bytes), Err(AudioError::TooLong { seconds: 200.0, .. })));
}

#[test]
fn a_header_that_promises_too_much_is_a_truncated_file() {
    let mut bytes = wav(INTEGER, 1, 16, &[0; 402]);
    bytes[4..8].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    bytes[40..44].copy_from_slice(&0xffff_ff00_u32.to_le_bytes());
    assert!(matches!(
        within(&bytes, f64::INFINITY),
        Err(AudioError::Truncated { expected: Some(0x7fff_ff80), found: 201 })
    ));
}

#[test]
fn absurd_sample_rates_and_channels_are_refused() {
    for rate in [0_u32, 768_001, u32::MAX] {
        let mut bytes = wav(INTEGER, 1, 16, &[0; 400]);
        bytes[24..28].copy_from_slice(&rate.to_le_bytes());
        assert!(matches!(
            read(&bytes),
            Err(AudioError::SampleRate { found }) if found == rate
        ));
    }

    for (channels, is_accepted) in [(MAX_CHANNELS, true), (MAX_CHANNELS + 1, false), (9999, false)]
    {
        let mut bytes = aiff(&vec![0; 2 * channels]);
        bytes[20..22].copy_from_slice(&(channels as u16).to_be_bytes());
        bytes[22..26].copy_from_slice(&1_u32.to_be_bytes()); // frames
        match read(&bytes) {
            Ok(audio) => assert!(is_accepted && audio.samples == [0.0]),
            Err(AudioError::Channels { found }) => assert!(!is_accepted && found == channels),
            Err(other) => panic!("{channels} channels: {other:?}"),
        }
    }
}

#[test]
fn samples_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = [0.25_f32; 20];
        samples[7] = value;
        let narrow: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let bytes = wav(FLOAT, 1, 32, &narrow);
        assert!(matches!(read(&bytes), Err(AudioError::NotFinite { index: 7, .. })));
    }
    // Finite only in 64 bits.
    let wide: Vec<u8> = [0.0_f64, 1e300].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert!(matches!(read(&wav(FLOAT, 1, 64, &wide)), Err(AudioError::NotFinite { index: 1, .. })));
}

#[test]
fn files_carry_their_path_in_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audio.wav");
    assert!(matches!(
        read_audio_file(&path, LIMITS),
        Err(AudioError::Read { path: found, .. }) if found == path
    ));
    assert!(matches!(
        read_audio_file(directory.path(), LIMITS),
        Err(AudioError::Read { path: found, .. }) if found == directory.path()
    ));
    fs::write(&path, "text, not audio").unwrap();
    assert!(matches!(
        read_audio_file(&path, LIMITS),
        Err(AudioError::Content { path: found, source })
            if found == path && matches!(*source, AudioError::NotAudio { .. })
    ));
}

/// Data that can be read up to a position, where the connection breaks.
struct Failing(Cursor<Vec<u8>>, u64);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.1.saturating_sub(self.0.position());
        match self.0.by_ref().take(left).read(buffer)? {
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            count => Ok(count),
        }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_failing_reader_is_not_a_truncated_file() {
    let flac = AudioFormat::Flac.encode(&audio()).unwrap();
    for bytes in [flac, AudioFormat::WavPcm16.encode(&audio()).unwrap(), data("tone.mp3")] {
        for length in [0, 10, 1000] {
            let result = read_audio(Failing(Cursor::new(bytes.clone()), length), LIMITS);
            assert!(
                matches!(
                    &result,
                    Err(AudioError::Stream(source))
                        if source.kind() == io::ErrorKind::ConnectionReset
                ),
                "{length} bytes: {result:?}"
            );
        }
    }
}

/// Such headers overflow the arithmetic of the demuxer in checked builds.
#[test]
fn headers_that_make_decoders_panic_are_errors() {
    for (channels, bits) in [(33_000, 16), (65_535, 32), (20_000, 64)] {
        assert!(read(&wav(INTEGER, channels, bits, &[0; 1000])).is_err());
    }
    let mut masked = extensible_wav(INTEGER, 1, 16, &[0; 1000]);
    masked[22] = 40; // channels
    masked[40..44].fill(0xff); // speakers
    let _ = read(&masked);
}

#[test]
fn nonsense_gives_errors_or_audio_and_nothing_else() {
    let samples: Vec<u8> = (0..400_i16).flat_map(i16::to_be_bytes).collect();
    let mut valid = vec![
        aiff(&samples),
        wav(INTEGER, 2, 24, &[7; 600]),
        extensible_wav(FLOAT, 3, 32, &[0; 600]),
        AudioFormat::Flac.encode(&audio()).unwrap(),
    ];
    valid.extend(
        ["tone.mp3", "tone.ogg", "tone.opus", "surround.opus", "tone.m4a", "tone.aac"].map(data),
    );
    let mut nonsense = Nonsense(3);
    for round in 0..4000 {
        let mut bytes = valid[round % valid.len()].clone();
        let reach = if nonsense.next().is_multiple_of(2) { 80 } else { bytes.len() };
        for _ in 0..=nonsense.next() % 4 {
            let at = nonsense.next() % bytes.len().min(reach);
            bytes[at] = nonsense.next() as u8;
        }
        if let Ok(audio) = within(&bytes, 2.0) {
            assert!(audio.duration_secs() <= 2.0);
            assert!(!audio.samples.is_empty());
            assert!(audio.samples.iter().all(|sample| sample.is_finite()));
        }
    }
}
