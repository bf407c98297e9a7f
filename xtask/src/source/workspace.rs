//! What the rules look at: packages, as cargo sees them, and source files.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use cargo_metadata::{DependencyKind, Metadata};
use proc_macro2::{LexError, TokenStream};

/// The sources that the rules read.
const RUST: &str = "rs";
const EXTENSIONS: [&str; 3] = [RUST, "py", "cu"];

/// A loaded workspace.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) files: Vec<SourceFile>,
}

/// A member of the workspace.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of the manifest below the workspace root.
    pub(crate) manifest_path: String,
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) has_library: bool,
    pub(crate) has_example: bool,
}

/// A dependency that a manifest names, of this workspace or not.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: DependencyKind,
}

/// A source file.
pub(crate) struct SourceFile {
    /// Path below the workspace root.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The lexed text, if this is Rust.
    pub(crate) rust: Option<TokenStream>,
}

impl Workspace {
    /// Reads the workspace at `root`: its members from cargo, its files from git.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let metadata = crate::metadata(root)?;
        let packages = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Package::load(&metadata, package))
            .collect::<Result<_>>()?;
        let files = listed_files(root)?
            .into_iter()
            .filter(|path| extension(path).is_some_and(|found| EXTENSIONS.contains(&found)))
            .filter(|path| root.join(path).exists())
            .map(|path| {
                let text = read(&root.join(&path))?;
                SourceFile::new(path, text)
            })
            .collect::<Result<_>>()?;
        Ok(Self { packages, files })
    }

    /// The Rust files with their tokens.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = (&SourceFile, &TokenStream)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    /// The Rust files below `crates/*/src`.
    pub(crate) fn crate_sources(&self) -> impl Iterator<Item = (&SourceFile, &TokenStream)> {
        self.rust_files().filter(|(file, _)| {
            let mut parts = file.path.split('/');
            parts.next() == Some("crates") && parts.nth(1) == Some("src")
        })
    }
}

impl Package {
    fn load(metadata: &Metadata, package: &cargo_metadata::Package) -> Result<Self> {
        let manifest_path = package
            .manifest_path
            .strip_prefix(&metadata.workspace_root)
            .with_context(|| format!("{} is outside the workspace", package.manifest_path))?;
        let dependencies = package
            .dependencies
            .iter()
            .map(|dependency| Dependency { name: dependency.name.clone(), kind: dependency.kind });
        let targets = &package.targets;
        Ok(Self {
            name: package.name.to_string(),
            manifest_path: manifest_path.as_str().replace('\\', "/"),
            manifest: read(package.manifest_path.as_std_path())?,
            dependencies: dependencies.collect(),
            has_library: targets.iter().any(cargo_metadata::Target::is_lib),
            has_example: targets.iter().any(cargo_metadata::Target::is_example),
        })
    }
}

impl SourceFile {
    /// Takes `text` as the content of `path`, and lexes it if it is Rust.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Result<Self> {
        let (path, text) = (path.into(), text.into());
        let rust = if extension(&path) == Some(RUST) { Some(lex(&path, &text)?) } else { None };
        Ok(Self { path, text, rust })
    }
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

fn lex(path: &str, text: &str) -> Result<TokenStream> {
    text.parse().map_err(|error: LexError| {
        let line = error.span().start().line;
        anyhow!("{path}:{line}: {error}")
    })
}

/// What git tracks below `root`, or would if it were added: a file is checked
/// before it is committed.
pub(crate) fn listed_files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .args(["--exclude-standard", "--deduplicate"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(listing.split_terminator('\0').map(String::from).collect())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
