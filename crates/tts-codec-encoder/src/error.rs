use tts_checkpoint::CheckpointError;

/// Why the codec encoder could not be loaded or could not encode.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The dilation of a residual block is out of all proportion.
    #[error(
        "codec encoder: residual block {block} looks {dilation} steps apart, \
         expected at most {limit}"
    )]
    Dilation {
        /// Index of the block before its stride.
        block: usize,
        /// Its dilation; the largest number if that is larger still.
        dilation: usize,
        /// The largest dilation that is supported.
        limit: usize,
    },
    /// There is nothing to encode.
    #[error("no samples, expected at least 1")]
    Empty,
    /// A sample is infinite or not a number.
    #[error("sample {index} is {value}, expected a finite number")]
    NotFinite {
        /// Index of the first such sample.
        index: usize,
        /// The sample.
        value: f32,
    },
    /// The tensor library failed.
    #[error("codec encoder: {0}")]
    Tensor(#[from] candle_core::Error),
}
