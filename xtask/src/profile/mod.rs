//! `cargo xtask profile`: where the time goes.

mod bench;
mod chrome;
mod flamegraph;
mod nsys;
mod report;
mod roofline;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Profile {
    /// Write a trace for chrome://tracing and Perfetto, and print what is in it.
    Chrome(chrome::ChromeArgs),
    /// Draw a flame graph.
    Flamegraph(flamegraph::FlamegraphArgs),
    /// Compare each stage with what the machine can do at most.
    Roofline(roofline::RooflineArgs),
    /// Record a benchmark with Nsight Systems and find the gaps between kernels.
    Nsys(nsys::NsysArgs),
    /// Write one HTML page with stages, frames, flame graph, waits and environment.
    Report(report::ReportArgs),
}

pub(crate) fn run(root: &Path, profile: &Profile) -> Result<ExitCode> {
    match profile {
        Profile::Chrome(args) => chrome::run(root, args),
        Profile::Flamegraph(args) => flamegraph::run(root, args),
        Profile::Roofline(args) => roofline::run(root, args),
        Profile::Nsys(args) => nsys::run(root, args),
        Profile::Report(args) => report::run(root, args),
    }
}
