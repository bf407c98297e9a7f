use std::time::Duration;

use super::{HubConfig, HubError, Notice, Progress};

/// How patient to be with one file.
pub(super) struct Retries {
    limit: u32,
    pause: Duration,
    failures: u32,
}

const MAX_PAUSE: Duration = Duration::from_secs(10);

impl Retries {
    pub(super) fn new(config: &HubConfig) -> Self {
        Self { limit: config.retries, pause: config.retry_pause, failures: 0 }
    }

    /// Something has arrived: failures are counted anew.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Pauses before the next try, or gives `error` back if there is to be none.
    pub(super) fn wait(
        &mut self,
        error: HubError,
        progress: &mut dyn Progress,
    ) -> Result<(), HubError> {
        if self.failures >= self.limit || !error.is_transient() {
            return Err(error);
        }
        let factor = 1 << self.failures.min(16);
        let pause = self.pause.saturating_mul(factor).min(MAX_PAUSE);
        self.failures += 1;
        progress.notice(&Notice::Retrying { cause: &error, pause });
        std::thread::sleep(pause);
        Ok(())
    }

    /// Repeats a request until it succeeds or fails for good.
    pub(super) fn request<T>(
        mut self,
        progress: &mut dyn Progress,
        mut request: impl FnMut() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        loop {
            match request() {
                Ok(value) => return Ok(value),
                Err(error) => self.wait(error, progress)?,
            }
        }
    }
}
