//! Audio files: any bytes are refused, or are finite samples within the limit that
//! can be resampled and written.

use std::io::Cursor;
use std::sync::Once;

use tts_audio::{AudioFormat, Limits, read_audio, resample};

const LIMITS: Limits = Limits { max_seconds: 2.0 };

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    // The reader catches panics of decoders, so the hook must not abort at one.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))));

    let Ok(audio) = read_audio(Cursor::new(input.to_vec()), LIMITS) else { return };
    assert!(audio.duration_secs() > 0.0 && audio.duration_secs() <= LIMITS.max_seconds);
    assert!(audio.samples.iter().all(|sample| sample.is_finite()));
    AudioFormat::WavF32.encode(&audio).expect("finite audio can be written");
    if let Ok(converted) = resample(&audio, 24_000) {
        assert!(converted.samples.iter().all(|sample| sample.is_finite()));
        let expected = audio.samples.len() as u64 * 24_000;
        let expected = expected.div_ceil(u64::from(audio.sample_rate));
        assert!(expected.abs_diff(converted.samples.len() as u64) <= 1, "audio got lost");
    }
}
