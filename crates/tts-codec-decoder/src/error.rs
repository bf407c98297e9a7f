use tts_checkpoint::CheckpointError;

/// Why the codec could not be loaded or could not decode.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A frame has the wrong number of codes.
    #[error("frame {frame}: {found} codes, expected {expected}")]
    FrameWidth {
        /// Index of the frame in the push.
        frame: usize,
        /// Codes it has.
        found: usize,
        /// Codes of a frame.
        expected: usize,
    },
    /// A code is not in its codebook.
    #[error("frame {frame}, codebook {codebook}: code {code}, expected less than {size}")]
    CodeOutOfRange {
        /// Index of the frame in the push.
        frame: usize,
        /// Index of the codebook.
        codebook: usize,
        /// The code.
        code: u32,
        /// Entries of the codebook.
        size: usize,
    },
    /// A signal or a weight has another shape than its layer.
    #[error("codec decoder: {0}")]
    Shape(#[from] tts_cpu::ShapeError),
    /// The state was made by a decoder on another device.
    #[error("the state belongs to a codec decoder on another device")]
    ForeignState,
    /// The tensor library failed.
    #[error("codec decoder: {0}")]
    Tensor(#[from] candle_core::Error),
}
