//! The profile of the measured runs.

use anyhow::{Context, Result, ensure};
use tts_profiling::record::{Profile, Summary};

use crate::args::Args;

/// A profile, if one was asked for.
pub(crate) struct BenchProfile(Option<Profile>);

pub(crate) fn start(args: &Args) -> Result<BenchProfile> {
    if args.profile.is_empty() && !args.summary && args.summary_json.is_none() {
        return Ok(BenchProfile(None));
    }
    Ok(BenchProfile(Some(Profile::start(args.profile.clone())?)))
}

impl BenchProfile {
    /// Runs so far are not part of the profile.
    pub(crate) fn forget_warmup(&self) {
        if let Self(Some(profile)) = self {
            profile.recording().clear();
        }
    }

    /// Writes and prints what was asked for.
    pub(crate) fn finish(self, args: &Args) -> Result<()> {
        let Self(Some(profile)) = self else { return Ok(()) };
        let summary = Summary::of(&profile.finish()?);
        if args.summary {
            print!("\n{summary}");
        }
        if let Some(path) = &args.summary_json {
            let text = serde_json::to_string_pretty(&summary)?;
            std::fs::write(path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if summary.gpu.is_some() && summary.unmarked_reads().is_none() {
            eprintln!("copies from the GPU were not counted: there is no library of CUPTI");
        }
        // What the marks count is what the GPU did.
        let reads = summary.unmarked_reads().unwrap_or(0);
        let waits = summary.unmarked_waits().unwrap_or(0);
        ensure!(
            reads == 0 && waits == 0,
            "without a mark of a wait: {reads} copies from the GPU and {waits} other waits for it"
        );
        Ok(())
    }
}
