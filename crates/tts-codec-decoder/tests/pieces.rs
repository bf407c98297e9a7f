//! A signal in pieces is, stage by stage and bit for bit, the whole signal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::{Device, Tensor};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_decoder::CodecDecoder;

const FRAMES: usize = 30;

fn checkpoints() -> Vec<ModelFiles> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints");
    let fixtures = ["custom_voice_a", "voice_design_a", "base_b"];
    let fixtures = fixtures.map(|name| ModelFiles::directory(home.join(name)).unwrap());
    fixtures.into_iter().chain([ModelFiles::Embedded(tts_fixture::FILES)]).collect()
}

/// Every stage of a decode in pieces of `step` frames, as rows over time.
fn stages(
    codec: &CodecDecoder,
    frames: &[Vec<u32>],
    step: usize,
) -> BTreeMap<String, Vec<Vec<f32>>> {
    let mut state = codec.new_state().unwrap();
    let mut pieces: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
    for piece in frames.chunks(step) {
        let mut tap = |name: &str, x: &Tensor| {
            // Inside the transformer time comes first.
            let x = if name.starts_with("transformer") { x.clone() } else { x.t()? };
            pieces.entry(name.to_owned()).or_default().push(x);
            Ok(())
        };
        codec.push_with(piece, &mut state, &mut tap).unwrap();
    }
    let whole = |pieces: &Vec<Tensor>| Tensor::cat(pieces, 0).unwrap().to_vec2().unwrap();
    pieces.iter().map(|(name, pieces)| (name.clone(), whole(pieces))).collect()
}

#[test]
fn every_stage_is_independent_of_the_pieces() {
    for files in checkpoints() {
        let checkpoint = Checkpoint::open(files).unwrap();
        let weights = checkpoint.codec_weights(&Device::Cpu);
        let codec = CodecDecoder::load(&checkpoint.codec, &weights).unwrap();
        let size = checkpoint.codec.decoder_config.codebook_size as u32;
        let code = |frame: u32, book: u32| (frame * 7919 + book * 104_729 + 13) % size;
        let frames: Vec<Vec<u32>> =
            (0..FRAMES as u32).map(|f| (0..16).map(|q| code(f, q)).collect()).collect();
        let whole = stages(&codec, &frames, FRAMES);
        for step in [1, 2, 3, 7, 20] {
            for (name, pieces) in stages(&codec, &frames, step) {
                let differ = pieces.iter().zip(&whole[&name]).filter(|(a, b)| a != b).count();
                assert_eq!(differ, 0, "step {step}, stage {name}: of {} steps", pieces.len());
            }
        }
    }
}
