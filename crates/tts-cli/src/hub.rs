//! Models from the hub, with a progress bar for every file.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use tts_checkpoint::hub::{Hub, HubError, Notice, Progress, RepoId};

/// The branch that is fetched.
const REVISION: &str = "main";

/// The directory of a model in the cache; it is downloaded if it is not there.
pub(crate) fn fetch(repository: &RepoId) -> Result<PathBuf, HubError> {
    Hub::from_env()?.fetch(repository, REVISION, &mut Bars(None))
}

/// The bar of the file that is being downloaded.
struct Bars(Option<(String, ProgressBar)>);

impl Progress for Bars {
    fn advance(&mut self, file: &str, done: u64, total: u64) {
        if self.0.as_ref().is_none_or(|(current, _)| current != file) {
            // Draws on standard error, and only if that is a terminal.
            let bar = ProgressBar::new(total);
            let template = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(file.to_owned());
            self.0 = Some((file.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.0 {
            bar.set_length(total);
            bar.set_position(done);
            if done == total {
                bar.finish_and_clear();
            }
        }
    }

    fn notice(&mut self, notice: &Notice<'_>) {
        eprintln!("tts: {notice}");
    }
}
