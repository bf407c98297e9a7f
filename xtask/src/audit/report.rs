//! All reads of a workspace, and what is wrong with them.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail};

use super::budget::{BUDGET_FILE, Budget};
use super::finding::{Finding, Rule};
use super::scan::scan;
use super::site::{Class, Marked, Place, Scan};
use crate::source::test_code::{TestCode, is_in_module};
use crate::source::workspace::Workspace;

/// A read, as reports list it.
#[derive(Debug)]
pub(super) struct Site {
    /// None if it should have a mark and has none.
    pub(super) class: Option<Class>,
    /// Path below the workspace root.
    pub(super) file: String,
    pub(super) place: Place,
    pub(super) what: String,
    /// The name in its mark.
    pub(super) name: Option<String>,
}

/// The result of an audit.
#[derive(Debug)]
pub(super) struct Report {
    /// Unmarked ones first, then by class.
    pub(super) sites: Vec<Site>,
    pub(super) findings: Vec<Finding>,
    /// How often one frame reads.
    pub(super) per_frame: f64,
    pub(super) budget: f64,
}

/// Audits `workspace` against `budget`.
pub(super) fn audit(workspace: &Workspace, budget: &Budget) -> Result<Report> {
    let mut report = Report {
        sites: Vec::new(),
        findings: Vec::new(),
        per_frame: budget.listed_reads(),
        budget: budget.per_frame,
    };
    for name in budget.hot_crates.iter().chain(&budget.test_packages) {
        if !workspace.packages.iter().any(|package| package.name == *name) {
            bail!("{BUDGET_FILE}: no package is called `{name}`");
        }
    }
    let mut marked = HashMap::new();
    for file in files(workspace)? {
        let in_package =
            |names: &[String]| file.package.is_some_and(|name| names.iter().any(|n| n == name));
        let is_test = file.is_test || in_package(&budget.test_packages);
        let is_hot = in_package(&budget.hot_crates);
        report.take(&file, is_test, is_hot, &mut marked);
    }
    report.check_budget(budget, &marked);
    report.sites.sort_by(|a, b| (a.class, &a.file, &a.place).cmp(&(b.class, &b.file, &b.place)));
    report.findings.sort();
    Ok(report)
}

/// Where a site is marked: its class, its file and its line.
type MarkedSites = HashMap<String, (Class, String, usize)>;

impl Report {
    /// Takes in a file.
    fn take(
        &mut self,
        file: &ScannedFile<'_>,
        is_test: bool,
        is_hot: bool,
        marked: &mut MarkedSites,
    ) {
        let Scan { reads, marks, renames } = &file.scan;
        let is_test = |place: &Place| is_test || place.in_test;
        for mark in marks.iter().filter(|mark| !is_test(&mark.place)) {
            let line = mark.place.line;
            let Some((name, class)) = &mark.site else {
                self.find(
                    file.path,
                    line,
                    Rule::Malformed,
                    "expected `gpu_sync!(\"site\", SyncClass::…);`".into(),
                );
                continue;
            };
            if !mark.used {
                let message = format!("no read in the statement behind the mark of `{name}`");
                self.find(file.path, line, Rule::Stale, message);
            }
            if let Some((_, other, other_line)) = marked.get(name) {
                let message = format!("`{name}` is marked at {other}:{other_line} already");
                self.find(file.path, line, Rule::Duplicate, message);
            } else {
                marked.insert(name.clone(), (*class, file.path.into(), line));
            }
        }
        for read in reads {
            let site = match read.marked {
                Marked::By(index) => marks.get(index).and_then(|mark| mark.site.clone()),
                Marked::Twice | Marked::No => None,
            };
            let class = if is_test(&read.place) {
                Some(Class::Test)
            } else {
                site.as_ref().map(|site| site.1)
            };
            if class.is_none() && !matches!(read.marked, Marked::By(_)) {
                let has_mark = marks.iter().any(|mark| mark.place.function == read.place.function);
                let (rule, problem) = match read.marked {
                    Marked::Twice => (Rule::Unmarked, "is the second read behind one mark"),
                    _ if is_hot && !has_mark => {
                        (Rule::HotUnmarked, "in a function without mark in a hot crate")
                    }
                    _ => (Rule::Unmarked, "without a mark directly before its statement"),
                };
                let message = format!("`{}` in `{}` {problem}", read.what, read.place.function);
                self.find(file.path, read.place.line, rule, message);
            }
            self.sites.push(Site {
                class,
                file: file.path.into(),
                place: read.place.clone(),
                what: read.what.clone(),
                name: site.map(|site| site.0).filter(|_| class != Some(Class::Test)),
            });
        }
        for rename in renames.iter().filter(|rename| !is_test(&rename.place)) {
            let message = format!("`{}` is imported under another name", rename.name);
            self.find(file.path, rename.place.line, Rule::Renamed, message);
        }
    }

    fn check_budget(&mut self, budget: &Budget, marked: &MarkedSites) {
        for (name, (class, file, line)) in marked {
            let is_listed = budget.sites.iter().any(|site| site.name == *name);
            if *class == Class::PerFrame && !is_listed {
                let message = format!("`{name}` is not listed in {BUDGET_FILE}");
                self.find(file, *line, Rule::Unlisted, message);
                self.per_frame += 1.0;
            }
        }
        for (index, site) in budget.sites.iter().enumerate() {
            let name = &site.name;
            let problem = match marked.get(name) {
                Some((Class::PerFrame, ..)) => None,
                Some((class, ..)) => Some((Rule::Gone, format!("`{name}` is {}", class.name()))),
                None => Some((Rule::Gone, format!("no site is called `{name}`"))),
            };
            let is_again = budget.sites[..index].iter().any(|other| other.name == *name);
            let again = is_again.then(|| (Rule::Duplicate, format!("`{name}` is listed twice")));
            for (rule, message) in problem.into_iter().chain(again) {
                self.find(BUDGET_FILE, site.line, rule, message);
            }
        }
        let (reads, allowed) = (self.per_frame, self.budget);
        if reads > allowed {
            let message = format!("a frame reads {reads} times, the budget is {allowed}");
            self.find(BUDGET_FILE, budget.per_frame_line, Rule::OverBudget, message);
        }
    }

    fn find(&mut self, file: &str, line: usize, rule: Rule, message: String) {
        self.findings.push(Finding { file: file.into(), line, rule, message });
    }
}

/// A file with what is in it.
struct ScannedFile<'a> {
    path: &'a str,
    package: Option<&'a str>,
    /// Whether the file is compiled into tests, examples or benchmarks only.
    is_test: bool,
    scan: Scan,
}

/// The scanned Rust files of `workspace`.
fn files(workspace: &Workspace) -> Result<Vec<ScannedFile<'_>>> {
    let mut files = Vec::new();
    let mut test_modules = Vec::new();
    for (file, tokens) in workspace.rust_files() {
        let scanned = TestCode::find(&file.path, tokens)
            .and_then(|mut tests| {
                test_modules.append(&mut tests.modules);
                scan(tokens, &tests)
            })
            .map_err(|error| anyhow!("line {}: {error}", error.span().start().line))
            .with_context(|| file.path.clone())?;
        let package = package_of(workspace, &file.path);
        let is_source = package.is_some_and(|(_, below)| below.starts_with("src/"));
        files.push(ScannedFile {
            path: &file.path,
            package: package.map(|(name, _)| name),
            is_test: !is_source,
            scan: scanned,
        });
    }
    for file in &mut files {
        file.is_test |= test_modules.iter().any(|module| is_in_module(file.path, module));
    }
    Ok(files)
}

/// The package that `path` belongs to, and the path below its directory.
fn package_of<'a>(workspace: &'a Workspace, path: &'a str) -> Option<(&'a str, &'a str)> {
    let in_packages = workspace.packages.iter().filter_map(|package| {
        let directory = package.manifest_path.strip_suffix("Cargo.toml")?;
        Some((package.name.as_str(), path.strip_prefix(directory)?))
    });
    in_packages.min_by_key(|(_, below)| below.len())
}
