use std::time::Duration;

/// Where the time of a request went.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SynthesisTiming {
    /// Prompt to first token, in ms.
    pub prefill_ms: f64,
    /// The loop over frames, in ms.
    pub generate_ms: f64,
    /// Codes to samples, in ms.
    pub decode_ms: f64,
    /// Request to first samples, in ms: what a listener to a stream waits.
    pub first_audio_ms: f64,
    /// The whole request, in ms.
    pub total_ms: f64,
    /// Frames generated.
    pub frames: usize,
    /// Length of the audio in seconds.
    pub audio_secs: f64,
}

impl SynthesisTiming {
    /// Real-time factor: seconds of work per second of audio; 0 without audio.
    pub fn rtf(&self) -> f64 {
        if self.audio_secs > 0.0 { self.total_ms / 1e3 / self.audio_secs } else { 0.0 }
    }

    /// Frames generated per second of the frame loop; 0 without frames.
    pub fn frames_per_second(&self) -> f64 {
        if self.generate_ms > 0.0 { self.frames as f64 / (self.generate_ms / 1e3) } else { 0.0 }
    }
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
