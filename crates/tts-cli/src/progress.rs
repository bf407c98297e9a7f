use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner with frames, seconds of audio and RTF on a terminal; nothing when
/// the output is piped.
pub(crate) struct Progress {
    bar: ProgressBar,
    frame_secs: f64,
    started: std::time::Instant,
}

impl Progress {
    pub(crate) fn new(quiet: bool, frame_secs: f64) -> Self {
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, frame_secs, started: std::time::Instant::now() }
    }

    /// Says how far generation is.
    pub(crate) fn frames(&self, frames: usize) {
        let audio = frames as f64 * self.frame_secs;
        let rtf = self.started.elapsed().as_secs_f64() / audio.max(1e-9);
        self.bar.set_message(format!("{frames} frames, {audio:.1} s of audio, RTF {rtf:.2}"));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
