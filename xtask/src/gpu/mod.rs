//! `cargo xtask gpu`: one archive for a machine that has a GPU, its driver and the libraries of CUDA.

mod report;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

/// What the archive may have, in bytes.
const LARGEST: u64 = 60 << 20;
const FOLDER: &str = "tts-gpu";
/// Programs, below the folder of a build.
const PROGRAMS: [&str; 6] =
    ["tts", "e2e_bench", "tts-golden", "examples/gpu_check", "examples/gpu_kernels", "kernels"];
/// Results of the official implementation, below the root.
const GOLDEN: &str = "fixtures/golden";
/// Runs there.
const SCRIPT: &str = include_str!("run.sh");
/// Toolchain and programs.
const BUILD: &str = r#"eval "$(bash tools/cuda-toolchain.sh target/cuda-toolchain)" &&
    cargo build --release --target-dir target/cuda -p tts-cli -p tts-benches -p tts-golden --bins \
        --example gpu_check --example gpu_kernels \
        --features tts-cli/cuda,tts-benches/cuda,tts-benches/profiling,tts-golden/cuda &&
    kernels=$(cargo test --release --target-dir target/cuda -p tts-cuda --features cuda --test kernels \
        --no-run --message-format json | grep -o '"executable":"[^"]*/kernels-[^"]*' | cut -d '"' -f 4) &&
    cp "$kernels" target/cuda/release/kernels"#;

/// Prepare what proves and times the engine on a machine with a GPU.
#[derive(Subcommand)]
pub(crate) enum Gpu {
    /// Build with CUDA and put the programs and a script that runs them into one archive.
    Pack {
        /// The archive.
        #[arg(long, short, default_value = "target/tts-gpu.tar.xz")]
        output: PathBuf,
        /// Take programs from this folder of a build instead of building them.
        #[arg(long, value_name = "DIR")]
        built: Option<PathBuf>,
    },
    /// Put what `run.sh` left in a folder into `docs/gpu.md`.
    Report {
        /// The folder.
        results: PathBuf,
    },
}

/// Runs a command of `cargo xtask gpu`.
pub(crate) fn run(root: &Path, gpu: &Gpu) -> Result<ExitCode> {
    let (output, built) = match gpu {
        Gpu::Pack { output, built } => (output, built),
        Gpu::Report { results } => {
            report::write(root, results)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let built = if let Some(built) = built {
        built.clone()
    } else {
        command(root, "bash", ["-c", BUILD])?;
        root.join("target/cuda/release")
    };
    let packed = pack(root, &built, &root.join(output))?;
    println!(
        "{}: {:.1} MiB; there: tar xf, then {FOLDER}/run.sh",
        output.display(),
        mebibytes(packed)
    );
    Ok(ExitCode::SUCCESS)
}

/// Gives the size of the archive.
fn pack(root: &Path, built: &Path, output: &Path) -> Result<u64> {
    let work = tempfile::tempdir().context("no place for temporary files")?;
    let folder = work.path().join(FOLDER);
    fs::create_dir(&folder)?;
    for program in PROGRAMS {
        let (from, name) = (built.join(program), Path::new(program).file_name());
        let to = folder.join(name.unwrap_or_default());
        fs::copy(&from, &to).with_context(|| format!("cannot take {}", from.display()))?;
        command(&folder, "strip", ["-s".as_ref(), to.as_os_str()])?;
    }
    let golden = root.join(GOLDEN);
    command(&folder, "cp", ["-r".as_ref(), golden.as_os_str(), "golden".as_ref()])?;
    let script = folder.join("run.sh");
    fs::write(&script, SCRIPT)?;
    command(&folder, "chmod", ["+x".as_ref(), script.as_os_str()])?;
    // The programs have most of their code in common; with a window this large it is there once.
    let compress = "--use-compress-program=xz --lzma2=preset=6,dict=512MiB";
    let args =
        ["-c".as_ref(), compress.as_ref(), "-f".as_ref(), output.as_os_str(), FOLDER.as_ref()];
    command(work.path(), "tar", args)?;
    let size = fs::metadata(output)?.len();
    ensure!(size <= LARGEST, "{:.1} MiB, more than {:.0}", mebibytes(size), mebibytes(LARGEST));
    Ok(size)
}

fn command<S: AsRef<OsStr>>(
    directory: &Path,
    program: &str,
    args: impl IntoIterator<Item = S>,
) -> Result<()> {
    let status = Command::new(program).args(args).current_dir(directory).status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    if status.success() { Ok(()) } else { bail!("{program}: {status}") }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_script_are_packed() -> Result<()> {
        let built = tempfile::tempdir()?;
        fs::create_dir(built.path().join("examples"))?;
        for program in PROGRAMS {
            fs::copy("/proc/self/exe", built.path().join(program))?;
        }
        let there = tempfile::tempdir()?;
        let archive = there.path().join("archive.tar.xz");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(pack(&root, built.path(), &archive)? > 0);
        command(there.path(), "tar", ["xf".as_ref(), archive.as_os_str()])?;
        for name in [
            "tts",
            "e2e_bench",
            "tts-golden",
            "gpu_check",
            "gpu_kernels",
            "kernels",
            "run.sh",
            "golden/manifest.json",
        ] {
            assert!(there.path().join(FOLDER).join(name).is_file(), "{name}");
        }
        fs::remove_file(built.path().join("tts"))?;
        assert!(pack(&root, built.path(), &archive).is_err());
        Ok(())
    }
}
