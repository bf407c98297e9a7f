//! The codec: any codes in any pieces are refused, or give the samples of the whole.

use std::sync::LazyLock;

use candle_core::Device;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_decoder::{CodecDecoder, CodecError};

static CODEC: LazyLock<CodecDecoder> = LazyLock::new(|| {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    let checkpoint = Checkpoint::open(files).expect("the embedded model is complete");
    let weights = checkpoint.codec_weights(&Device::Cpu);
    CodecDecoder::load(&checkpoint.codec, &weights).expect("the embedded codec loads")
});

/// Frames at most; more of them only take time.
const MOST_FRAMES: usize = 12;
const CODEBOOKS: usize = 16;

/// Runs one input: a byte for the number of frames, their codes, then the size of each
/// push. A code of 255 is out of every codebook, and so is, for all but the first, one
/// of 64 or more; a push of 0 is empty.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    let Some((&count, rest)) = input.split_first() else { return };
    let count = usize::from(count) % (MOST_FRAMES + 1);
    let codes = rest.get(..rest.len().min(count * CODEBOOKS)).unwrap_or_default();
    let sizes = rest.get(codes.len()..).unwrap_or_default();
    let code = |&byte: &u8| if byte == 255 { u32::MAX } else { u32::from(byte) };
    let frames: Vec<Vec<u32>> =
        codes.chunks(CODEBOOKS).map(|frame| frame.iter().map(code).collect()).collect();

    let whole = match CODEC.push(&frames, &mut CODEC.new_state().expect("a state")) {
        Ok(samples) => samples,
        Err(CodecError::FrameWidth { .. } | CodecError::CodeOutOfRange { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(whole.len(), frames.len() * CODEC.samples_per_frame());
    assert!(whole.iter().all(|sample| sample.abs() <= 1.0));

    let mut state = CODEC.new_state().expect("a state");
    let mut sizes = sizes.iter().map(|&size| usize::from(size) % 5).chain(std::iter::repeat(1));
    let mut pieces = Vec::new();
    let mut waiting = frames.as_slice();
    while !waiting.is_empty() {
        let size = sizes.next().unwrap_or(1).min(waiting.len());
        let (piece, later) = waiting.split_at(size);
        pieces.extend(CODEC.push(piece, &mut state).expect("the whole was accepted"));
        // A push that is refused leaves the state as it was.
        let refused = CODEC.push(&[[u32::MAX; CODEBOOKS]], &mut state);
        assert!(matches!(refused, Err(CodecError::CodeOutOfRange { .. })));
        waiting = later;
    }
    assert!(whole.iter().map(|s| s.to_bits()).eq(pieces.iter().map(|s| s.to_bits())));
}
