//! The benchmark that is profiled.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What is spoken and how the program is built.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Model directory; without it the embedded model speaks
    #[arg(long, value_name = "DIR")]
    model_dir: Option<PathBuf>,
    /// Texts to speak: short, medium, long
    #[arg(long, value_name = "LABELS", default_value = "short")]
    labels: String,
    /// Runs that are recorded
    #[arg(long, value_name = "N", default_value_t = 1)]
    iterations: u32,
    /// Runs before that
    #[arg(long, value_name = "N", default_value_t = 1)]
    warmup: u32,
    /// Cargo profile to build with; `profiling` is `release` with symbols
    #[arg(long, value_name = "PROFILE")]
    cargo_profile: Option<String>,
    /// Features to build the benchmark with beside those that are needed, such as `cuda`
    #[arg(long, value_name = "FEATURES")]
    features: Option<String>,
    /// Further arguments of `e2e_bench`
    #[arg(last = true, value_name = "ARGS")]
    extra: Vec<OsString>,
}

impl BenchArgs {
    /// Builds `e2e_bench` with these features; `cargo_profile` unless another is asked for.
    pub(super) fn build(
        &self,
        root: &Path,
        features: &str,
        cargo_profile: &str,
        rustflags: &str,
    ) -> Result<PathBuf> {
        let cargo_profile = self.cargo_profile.as_deref().unwrap_or(cargo_profile);
        let features = self.features.iter().fold(features.to_owned(), |all, more| all + "," + more);
        build(root, "e2e_bench", &features, cargo_profile, rustflags)
    }

    /// Adds what is spoken to the arguments of `e2e_bench`.
    pub(super) fn speak(&self, command: &mut Command) {
        if let Some(directory) = &self.model_dir {
            command.arg("--model-dir").arg(directory);
        }
        command
            .args(["--labels", &self.labels])
            .args(["--iterations", &self.iterations.to_string()])
            .args(["--warmup", &self.warmup.to_string()])
            .args(&self.extra);
    }
}

/// Builds a program of the benchmarks and says where it is.
pub(super) fn build(
    root: &Path,
    program: &str,
    features: &str,
    cargo_profile: &str,
    rustflags: &str,
) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--package", "tts-benches", "--bin", program])
        .args(["--features", features, "--profile", cargo_profile])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"));
    if !rustflags.is_empty() {
        command.env("RUSTFLAGS", rustflags);
    }
    finish(&format!("building {program}"), &mut command)?;
    let directory = if cargo_profile == "dev" { "debug" } else { cargo_profile };
    let target = crate::metadata(root)?.target_directory.into_std_path_buf();
    Ok(target.join(directory).join(format!("{program}{}", env::consts::EXE_SUFFIX)))
}

/// Runs a command to its end, which has to be a good one.
pub(super) fn finish(step: &str, command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{step} failed: {status}");
    }
    Ok(())
}
