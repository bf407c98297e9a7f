use tts_checkpoint::CheckpointError;

/// Why the speaker encoder could not be loaded or could not embed.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The audio is too short to be padded by reflection.
    #[error("reference audio: {found} samples, at least {needed} are needed")]
    TooShort {
        /// Samples of the audio.
        found: usize,
        /// Samples that are enough.
        needed: usize,
    },
    /// A sample is NaN or infinite.
    #[error("reference audio: sample {index} is {value}, expected a finite number")]
    NotFinite {
        /// Index of the first such sample.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The Fourier transform failed.
    #[error("speaker encoder: {0}")]
    Fft(#[from] realfft::FftError),
    /// The tensor library failed.
    #[error("speaker encoder: {0}")]
    Tensor(#[from] candle_core::Error),
}
