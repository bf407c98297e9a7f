//! A signal in pieces equals the whole.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use tts_checkpoint::{Checkpoint, ModelFiles};

use crate::CodecEncoder;

fn encoder(checkpoint: &str) -> CodecEncoder {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints");
    let files = ModelFiles::directory(fixtures.join(checkpoint)).unwrap();
    let checkpoint = Checkpoint::open(files).unwrap();
    CodecEncoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu)).unwrap()
}

/// Noise over a tone: no part of it resembles another.
fn signal(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let value = |n: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        0.3 * noise + 0.4 * (n as f32 * 0.05).sin() * (n as f32 * 3e-4).cos()
    };
    (0..samples).map(value).collect()
}

/// Every stage by name, `[time, channels]`, its pieces joined.
type Stages = BTreeMap<String, Vec<Vec<f32>>>;

fn encode(codec: &CodecEncoder, samples: &[f32], piece: usize) -> (Vec<Vec<u32>>, Stages) {
    let mut stages = Stages::new();
    let mut keep = |name: &str, x: &Tensor| {
        let rows = if name.starts_with("transformer") { x.clone() } else { x.t()? };
        stages.entry(name.to_owned()).or_default().extend(rows.to_vec2::<f32>()?);
        Ok(())
    };
    let codes = codec.encode_in_pieces(samples, piece, &mut keep).unwrap();
    (codes, stages)
}

#[test]
fn pieces_of_any_size_equal_the_whole() {
    let codec = encoder("base_b");
    let frame = codec.samples_per_frame();
    // The last piece ends at and around the edges of frames and of strides.
    for rest in [0, 1, frame / 2 - 1, frame / 2, frame / 2 + 1, frame - 1] {
        let samples = signal(11 * frame + rest);
        let (codes, stages) = encode(&codec, &samples, codec.frames(samples.len()));
        for piece in [1, 2, 3, 5, 11, 100] {
            let (codes_in_pieces, in_pieces) = encode(&codec, &samples, piece);
            assert_eq!(codes_in_pieces, codes, "rest {rest}, pieces of {piece}");
            assert!(in_pieces.keys().eq(stages.keys()));
            for (name, rows) in &in_pieces {
                let whole = &stages[name];
                assert_eq!(rows.len(), whole.len(), "{name}, rest {rest}, pieces of {piece}");
                let values = rows.iter().flatten().zip(whole.iter().flatten());
                let worst = values.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-5, "{name}, rest {rest}, pieces of {piece}: {worst:e}");
            }
        }
    }
}

#[test]
fn stages_have_the_names_and_rates_of_the_network() {
    let codec = encoder("custom_voice_a");
    let (_, stages) = encode(&codec, &signal(24_001), 1000);
    let rate = |name: &str| stages[name].len();
    for (name, time) in [
        ("seanet_layer0", 24_001),
        ("seanet_layer2", 24_001),
        ("seanet_layer3", 6_001),
        ("seanet_layer6", 1_201),
        ("seanet_layer9", 201),
        ("seanet_layer12", 26),
        ("seanet_layer14", 26),
        ("seanet", 26),
        ("transformer_layer0", 26),
        ("transformer_layer1", 26),
        ("downsample", 13),
        ("semantic_proj", 13),
        ("acoustic_proj", 13),
    ] {
        assert_eq!(rate(name), time, "{name}");
    }
    assert_eq!(stages.len(), 21);
    assert_ne!(stages["semantic_proj"], stages["acoustic_proj"]);
}
