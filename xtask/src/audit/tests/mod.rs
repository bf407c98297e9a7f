//! Planted violations of each kind, and code that breaks no rule.

mod budget;
mod marks;
mod output;
mod reads;

use super::budget::Budget;
use super::report::{Report, audit};
use crate::source::workspace::{Package, SourceFile, Workspace};

const BUDGET: &str = "per_frame = 1\nhot_crates = [\"tts-nn\"]\ntest_packages = [\"tts-golden\"]\n\
                      [[site]]\nname = \"frame\"\nreads = 1\nwhy = \"the drawn token\"\n";

/// What [`BUDGET`] lists.
const FRAME: &str = "fn frame(t: &Tensor) -> Result<u32> {
    gpu_sync!(\"frame\", SyncClass::PerFrame);
    t.to_scalar()
}
";

/// The audit of packages with these files, and with [`FRAME`] in one of its own.
fn audited(budget: &str, files: &[(&str, &str)]) -> Report {
    let packages =
        ["crates/tts", "crates/tts-nn", "crates/tts-golden", "xtask"].map(|directory| Package {
            name: directory.rsplit('/').next().unwrap().into(),
            manifest_path: format!("{directory}/Cargo.toml"),
            ..Package::default()
        });
    let files = [("crates/tts/src/frame.rs", FRAME)].iter().chain(files);
    let workspace = Workspace {
        packages: packages.into(),
        files: files.map(|&(path, text)| SourceFile::new(path, text).unwrap()).collect(),
    };
    audit(&workspace, &Budget::parse(budget).unwrap()).unwrap()
}

/// The findings: `file:line rule`, without `.rs` and the directories of the file.
fn findings(report: &Report) -> Vec<String> {
    let short = |file: &str| file.rsplit('/').next().unwrap().replace(".rs", "");
    let findings = report.findings.iter();
    findings.map(|f| format!("{}:{} {}", short(&f.file), f.line, f.rule.id())).collect()
}

/// The findings in `code` as a file of the package `tts`.
fn plant(code: &str) -> Vec<String> {
    findings(&audited(BUDGET, &[("crates/tts/src/a.rs", code)]))
}

/// The reads of `code` that have no mark, and the lines they are in.
fn unmarked(code: &str) -> Vec<(String, usize)> {
    let report = audited(BUDGET, &[("crates/tts/src/a.rs", code)]);
    let sites = report.sites.into_iter().filter(|site| site.class.is_none());
    sites.map(|site| (site.what, site.place.line)).collect()
}
