//! Prompts that begin like an earlier one: less to compute, the same output bit for bit.

use candle_core::{DType, Device, Tensor};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_nn::{Format, Packing};
use tts_talker::{Talker, TalkerState};

const HEAD: usize = 5;
const PACKING: Packing = Packing { layers: Format::Q8, heads: Format::Q8 };

fn talker(packing: Option<Packing>) -> Talker {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES)).unwrap();
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    Talker::load(&checkpoint.config.talker_config, &weights, packing).unwrap()
}

/// A prompt whose first positions are those of a voice.
fn prompt(talker: &Talker, voice: u32, text: &[u32]) -> Tensor {
    let ids = [&[voice; HEAD], text].concat();
    (talker.text(&ids).unwrap() + talker.codec(&vec![7; ids.len()]).unwrap()).unwrap()
}

/// The logits of a prompt and of a step after it.
fn logits(talker: &Talker, prompt: &Tensor, head: usize) -> (Vec<Vec<f32>>, TalkerState) {
    let mut state = talker.new_state(32).unwrap();
    let first = talker.prefill(prompt, head, &mut state).unwrap();
    let work = talker.new_work(1).unwrap();
    talker.codec_into(&Tensor::new(&[3_u32], &Device::Cpu).unwrap(), work.input()).unwrap();
    talker.step(&work, None, &mut [&mut state]).unwrap();
    let values = |logits: &Tensor| logits.flatten_all().unwrap().to_vec1().unwrap();
    (vec![values(&first.logits), values(work.logits())], state)
}

#[test]
fn a_beginning_is_recalled_and_changes_nothing() {
    let talker = talker(Some(PACKING));
    for (voice, text, recalled) in [
        (1, &[10, 11, 12][..], 0),
        (1, &[13, 14], HEAD),
        (2, &[13, 14], 0),
        (2, &[15], HEAD),
        (1, &[16; 20], HEAD),
    ] {
        let prompt = prompt(&talker, voice, text);
        let (expected, fresh) = logits(&talker, &prompt, 0);
        let (found, state) = logits(&talker, &prompt, HEAD);
        assert_eq!((fresh.recalled(), state.recalled()), (0, recalled), "{voice} {text:?}");
        assert_eq!(state.position(), HEAD + text.len() + 1);
        assert_eq!(expected, found, "{voice} {text:?}");
    }
}

#[test]
fn the_last_position_is_always_computed() {
    let talker = talker(Some(PACKING));
    let prompt = prompt(&talker, 1, &[]);
    for recalled in [0, HEAD - 1] {
        let (found, state) = logits(&talker, &prompt, 100);
        assert_eq!(state.recalled(), recalled);
        assert_eq!(found, logits(&talker, &prompt, 0).0);
    }
}

#[test]
fn the_longest_unused_are_forgotten() {
    let talker = talker(Some(PACKING));
    let recalled = |voice| logits(&talker, &prompt(&talker, voice, &[9]), HEAD).1.recalled();
    assert_eq!([1, 2, 3, 4].map(recalled), [0; 4]);
    assert_eq!(recalled(1), HEAD);
    assert_eq!(recalled(5), 0);
    assert_eq!([1, 3, 4, 5].map(recalled), [HEAD; 4]);
    assert_eq!(recalled(2), 0);
}

#[test]
fn only_packed_talkers_recall() {
    let talker = talker(None);
    for _ in 0..2 {
        let (_, state) = logits(&talker, &prompt(&talker, 1, &[9]), HEAD);
        assert_eq!(state.recalled(), 0);
    }
}
