//! Rule `externals`: foreign crates that only some crates may depend on.

use cargo_metadata::DependencyKind;

use super::Finding;
use super::workspace::{Dependency, Package, Workspace};

/// The crate behind which all profiling libraries hide. Tests elsewhere may
/// still use them, to look at what the facade emits.
const PROFILING: &str = "tts-profiling";
const PROFILING_ONLY: [&str; 4] = ["tracing", "tracing-subscriber", "tracing-chrome", "nvtx"];

/// The crate that must compile in seconds.
const XTASK: &str = "xtask";
const TENSOR_LIBRARY: &str = "candle";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            if let Some(reason) = refusal(package, dependency) {
                let message = format!("dependency `{}`: {reason}", dependency.name);
                findings.push(Finding::in_file(&package.manifest_path, message));
            }
        }
    }
    findings
}

fn refusal(package: &Package, dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let is_test_only = dependency.kind == DependencyKind::Development;
    if package.name != PROFILING && PROFILING_ONLY.contains(&name) && !is_test_only {
        return Some("only `tts-profiling` may depend on it");
    }
    if package.name == XTASK && name.starts_with(TENSOR_LIBRARY) {
        return Some("`xtask` links no tensor library");
    }
    None
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::{Build, Development, Normal};

    use super::*;

    fn is_refused(package: &str, dependency: &str, kind: DependencyKind) -> bool {
        let package = Package {
            name: package.into(),
            dependencies: vec![Dependency { name: dependency.into(), kind }],
            ..Package::default()
        };
        let workspace = Workspace { packages: vec![package], ..Workspace::default() };
        !check(&workspace).is_empty()
    }

    #[test]
    fn profiling_libraries_stay_behind_the_facade() {
        for library in PROFILING_ONLY {
            assert!(is_refused("tts-nn", library, Normal));
            assert!(is_refused("tts-nn", library, Build));
            assert!(!is_refused("tts-nn", library, Development));
            assert!(!is_refused("tts-profiling", library, Normal));
        }
    }

    #[test]
    fn xtask_links_no_tensor_library() {
        for kind in [Normal, Build, Development] {
            assert!(is_refused("xtask", "candle-core", kind));
        }
        assert!(!is_refused("tts-nn", "candle-core", Normal));
    }
}
