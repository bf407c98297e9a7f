//! Rule `layering`: which crate of this workspace may import which.

use cargo_metadata::DependencyKind;

use super::Finding;
use super::workspace::{Dependency, Workspace};

/// A crate and the crates of this workspace it may depend on.
struct Layer {
    name: &'static str,
    imports: &'static [&'static str],
}

/// The architecture, lowest crate first. A crate imports from rows above its own.
#[rustfmt::skip]
const LAYERS: &[Layer] = &[
    Layer { name: "workspace-hack", imports: &[] },
    Layer { name: "tts-gpu-stand-in", imports: &[] },
    Layer { name: "xtask", imports: &["tts-gpu-stand-in"] },
    Layer { name: "tts-gpu-trace", imports: &["tts-gpu-stand-in"] },
    Layer { name: "tts-profiling", imports: &["tts-gpu-trace", "tts-gpu-stand-in"] },
    Layer { name: "tts-checkpoint", imports: &[] },
    Layer { name: "tts-audio", imports: &[] },
    Layer { name: "tts-fixture", imports: &[] },
    Layer { name: "tts-demo-voice", imports: &[] },
    Layer { name: "tts-nsys", imports: &["tts-profiling"] },
    Layer { name: "tts-cpu", imports: &[] },
    Layer { name: "tts-cuda", imports: &[] },
    Layer { name: "tts-nn", imports: &["tts-cpu", "tts-cuda", "tts-checkpoint", "tts-profiling"] },
    Layer { name: "tts-text", imports: &["tts-checkpoint"] },
    Layer { name: "tts-sampler", imports: &["tts-cuda", "tts-nn", "tts-profiling"] },
    Layer {
        name: "tts-talker",
        imports: &["tts-nn", "tts-checkpoint", "tts-profiling"],
    },
    Layer {
        name: "tts-code-predictor",
        imports: &["tts-nn", "tts-sampler", "tts-checkpoint", "tts-profiling"],
    },
    Layer {
        name: "tts-codec-decoder",
        imports: &["tts-cpu", "tts-nn", "tts-checkpoint", "tts-profiling"],
    },
    Layer {
        name: "tts-codec-encoder",
        imports: &["tts-nn", "tts-checkpoint", "tts-profiling"],
    },
    Layer {
        name: "tts-speaker",
        imports: &["tts-checkpoint", "tts-profiling"],
    },
    Layer {
        name: "tts",
        imports: &[
            "tts-profiling", "tts-gpu-trace", "tts-nn", "tts-checkpoint", "tts-text", "tts-sampler",
            "tts-talker",
            "tts-code-predictor", "tts-codec-decoder", "tts-codec-encoder", "tts-speaker", "tts-audio",
        ],
    },
    Layer {
        name: "tts-cli",
        imports: &[
            "tts", "tts-audio", "tts-checkpoint", "tts-demo-voice", "tts-profiling", "workspace-hack",
        ],
    },
    Layer {
        name: "tts-golden",
        imports: &[
            "tts", "tts-checkpoint", "tts-codec-decoder", "tts-codec-encoder", "tts-speaker",
            "tts-sampler", "tts-text", "tts-audio", "tts-fixture", "tts-nn",
        ],
    },
    Layer {
        name: "tts-benches",
        imports: &[
            "tts", "tts-audio", "tts-checkpoint", "tts-demo-voice", "tts-profiling", "tts-cpu", "tts-cuda",
            "tts-nn", "tts-text", "tts-sampler", "tts-talker", "tts-code-predictor", "tts-codec-decoder",
            "tts-codec-encoder", "tts-speaker", "workspace-hack",
        ],
    },
    Layer {
        name: "tts-fuzz",
        imports: &[
            "tts", "tts-audio", "tts-checkpoint", "tts-codec-decoder", "tts-fixture", "tts-text",
        ],
    },
];

/// Checkpoints as data: the tests of every crate above [`CHECKPOINT`] may use them.
const TEST_WEIGHTS: [&str; 2] = ["tts-fixture", "tts-demo-voice"];
const CHECKPOINT: &str = "tts-checkpoint";

impl Layer {
    fn may_import(&self, dependency: &Dependency) -> bool {
        let imports = |name| self.imports.contains(&name);
        let is_test_weights = dependency.kind == DependencyKind::Development
            && TEST_WEIGHTS.contains(&dependency.name.as_str());
        imports(&dependency.name) || (is_test_weights && self.reaches_checkpoint())
    }

    /// Whether this is the crate that reads models, or one above it.
    fn reaches_checkpoint(&self) -> bool {
        self.name == CHECKPOINT
            || self.imports.iter().any(|&name| find(name).is_some_and(Self::reaches_checkpoint))
    }
}

fn find(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let is_ours = |name: &str| workspace.packages.iter().any(|package| package.name == name);
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let mut report = |message| findings.push(Finding::in_file(&package.manifest_path, message));
        let Some(layer) = find(&package.name) else {
            report(format!(
                "`{}` has no row in the table of layers (xtask/src/tidy/layers.rs)",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            if is_ours(&dependency.name) && !layer.may_import(dependency) {
                report(format!("`{}` may not import `{}`", package.name, dependency.name));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::{Build, Development, Normal};

    use super::super::workspace::Package;
    use super::*;

    /// The messages about a workspace with every crate of the table, in which
    /// `name` depends on `import`.
    fn messages(name: &str, import: &str, kind: DependencyKind) -> Vec<String> {
        let mut workspace = Workspace::default();
        for layer in LAYERS {
            workspace.packages.push(package(layer.name));
        }
        workspace.packages.retain(|package| package.name != name);
        let mut package = package(name);
        package.dependencies.push(Dependency { name: import.into(), kind });
        workspace.packages.push(package);
        let findings = check(&workspace).into_iter();
        findings.map(|finding| finding.message).collect()
    }

    fn package(name: &str) -> Package {
        Package { name: name.into(), ..Package::default() }
    }

    #[test]
    fn imports_are_listed_above_their_crate() {
        for (row, layer) in LAYERS.iter().enumerate() {
            for &import in layer.imports {
                let above = &LAYERS[..row];
                assert!(
                    above.iter().any(|lower| lower.name == import),
                    "{} imports {import}",
                    layer.name
                );
            }
        }
    }

    #[test]
    fn lower_crates_and_foreign_crates_are_allowed() {
        assert!(messages("tts-talker", "tts-nn", Normal).is_empty());
        assert!(messages("tts-nn", "rayon", Normal).is_empty());
    }

    #[test]
    fn upper_crates_are_refused_for_every_kind() {
        for kind in [Normal, Build, Development] {
            assert_eq!(
                messages("tts-nn", "tts-talker", kind),
                ["`tts-nn` may not import `tts-talker`"]
            );
        }
    }

    #[test]
    fn test_weights_are_for_tests_from_the_checkpoint_up() {
        for weights in TEST_WEIGHTS {
            assert!(messages("tts-text", weights, Development).is_empty());
            assert!(messages("tts-benches", weights, Development).is_empty());
            assert_eq!(messages("tts-text", weights, Normal).len(), 1);
            assert_eq!(messages("tts-cpu", weights, Development).len(), 1);
            assert!(messages(CHECKPOINT, weights, Development).is_empty());
        }
    }

    #[test]
    fn crates_without_a_row_are_refused() {
        let messages = messages("tts-new", "tts-nn", Normal);
        assert!(messages[0].starts_with("`tts-new` has no row"), "{messages:?}");
    }
}
