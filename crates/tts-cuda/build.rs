//! Compiles the kernels: with nvcc for GPUs, with the C++ compiler of this machine for tests.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of kernels, below `kernels/`, without their ending.
const FILES: [&str; 5] = ["attention", "conv", "gemv", "rows", "sample"];
/// Architectures that get machine code; what comes after the last one gets code of its driver's.
const ARCHITECTURES: [u32; 3] = [80, 89, 90];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=kernels");
    let has = |feature: &str| std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    if has("CUDA") {
        for file in FILES {
            compile_for_gpu(file)?;
        }
    }
    #[cfg(feature = "emulated")]
    compile_for_cpu();
    Ok(())
}

/// One file that holds machine code for every architecture, and code for later ones.
fn compile_for_gpu(file: &str) -> Result<(), Box<dyn Error>> {
    for variable in ["NVCC", "CUDA_HOME", "NVCC_CCBIN"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let from_home = std::env::var_os("CUDA_HOME").map(|home| Path::new(&home).join("bin/nvcc"));
    let nvcc = std::env::var_os("NVCC").map(PathBuf::from).or(from_home);
    let nvcc = nvcc.unwrap_or_else(|| "nvcc".into());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no folder to write to")?);
    let mut command = Command::new(&nvcc);
    command.args(["-fatbin", "-O3", "-std=c++17", "--threads", "2"]);
    if let Some(compiler) = std::env::var_os("NVCC_CCBIN") {
        command.arg("-ccbin").arg(compiler);
    }
    let [.., last] = ARCHITECTURES;
    for sm in ARCHITECTURES {
        let code = if sm == last { format!("sm_{sm},compute_{sm}") } else { format!("sm_{sm}") };
        command.arg(format!("-gencode=arch=compute_{sm},code=[{code}]"));
    }
    command.arg(format!("kernels/{file}.cu"));
    command.arg("-o").arg(out.join(format!("{file}.fatbin")));
    let status = command.status().map_err(|error| {
        format!("{}: {error}; tools/cuda-toolchain.sh installs it", nvcc.display())
    })?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", nvcc.display()).into()) }
}

#[cfg(feature = "emulated")]
fn compile_for_cpu() {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(2).flag("-x").flag("c++");
    // Sums and products are rounded one by one, as the kernels say.
    build.flag("-ffp-contract=off").flag("-Wno-unknown-pragmas");
    for file in FILES {
        build.file(format!("kernels/{file}.cu"));
    }
    build.compile("tts_cuda_emulated");
}
