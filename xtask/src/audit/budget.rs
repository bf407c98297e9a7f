//! `audit.toml`: what the reads of a frame may be, and which code is how strict.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file, below the workspace root.
pub(super) const BUDGET_FILE: &str = "audit.toml";

/// The content of the file.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// How often one frame may read, all sites together.
    pub(super) per_frame: f64,
    pub(super) per_frame_line: usize,
    /// Packages in which a read needs a mark in its own function.
    pub(super) hot_crates: Vec<String>,
    /// Packages that are tools for tests.
    pub(super) test_packages: Vec<String>,
    /// The sites of class per-frame.
    pub(super) sites: Vec<ListedSite>,
}

/// A per-frame site that somebody justified.
#[derive(Debug)]
pub(super) struct ListedSite {
    pub(super) name: String,
    /// How often it reads in one frame of the normal decode path on a GPU.
    pub(super) reads: f64,
    /// Why the read is needed.
    pub(super) why: String,
    pub(super) line: usize,
}

impl Budget {
    /// Reads the file of the workspace at `root`.
    pub(super) fn load(root: &Path) -> Result<Self> {
        let path = root.join(BUDGET_FILE);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| BUDGET_FILE)
    }

    /// Takes `text` as the content of the file.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let table = DeTable::parse(text)?.into_inner();
        let mut budget = Self::default();
        for (key, value) in table {
            let key = key.as_ref().as_ref();
            let line = line(text, value.span().start);
            let problem = || format!("line {line}: `{key}`");
            match key {
                "per_frame" => {
                    budget.per_frame = count(&value).with_context(problem)?;
                    budget.per_frame_line = line;
                }
                "hot_crates" => budget.hot_crates = strings(&value).with_context(problem)?,
                "test_packages" => budget.test_packages = strings(&value).with_context(problem)?,
                "site" => {
                    let DeValue::Array(sites) = value.as_ref() else {
                        bail!("line {line}: write `[[site]]`");
                    };
                    budget.sites =
                        sites.iter().map(|site| listed(text, site)).collect::<Result<_>>()?;
                }
                _ => bail!("line {line}: unknown key `{key}`"),
            }
        }
        ensure!(budget.per_frame_line > 0, "`per_frame` is missing");
        Ok(budget)
    }

    /// How often one frame reads, by what is listed.
    pub(super) fn listed_reads(&self) -> f64 {
        self.sites.iter().map(|site| site.reads).sum()
    }
}

fn listed(text: &str, site: &Spanned<DeValue<'_>>) -> Result<ListedSite> {
    let line = line(text, site.span().start);
    let table = site.as_ref().as_table().with_context(|| format!("line {line}: no table"))?;
    if let Some(unknown) =
        table.keys().find(|key| !["name", "reads", "why"].contains(&key.as_ref().as_ref()))
    {
        bail!("line {line}: unknown key `{}`", unknown.as_ref());
    }
    let get = |key: &str| table.get(key).ok_or_else(|| anyhow!("line {line}: `{key}` is missing"));
    let site = ListedSite {
        name: string(get("name")?).with_context(|| format!("line {line}: `name`"))?,
        reads: count(get("reads")?).with_context(|| format!("line {line}: `reads`"))?,
        why: string(get("why")?).with_context(|| format!("line {line}: `why`"))?,
        line,
    };
    ensure!(!site.why.trim().is_empty(), "line {line}: `why` is empty");
    Ok(site)
}

/// A read of several frames together counts as a part of one.
fn count(value: &Spanned<DeValue<'_>>) -> Result<f64> {
    let number = match value.as_ref() {
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => bail!("expected a number"),
    };
    let number: f64 = number.parse()?;
    ensure!(number >= 0.0 && number.is_finite(), "{number}: expected a number from 0 on");
    Ok(number)
}

fn string(value: &Spanned<DeValue<'_>>) -> Result<String> {
    value.as_ref().as_str().map(String::from).context("expected a string")
}

fn strings(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>> {
    value.as_ref().as_array().context("expected a list")?.iter().map(string).collect()
}

/// The line, from 1, of the byte `at`.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read() {
        let text = "per_frame = 2\nhot_crates = [\"a\", \"b\"]\ntest_packages = [\"c\"]\n\
                    [[site]]\nname = \"x\"\nreads = 1\nwhy = \"needed\"\n\
                    [[site]]\nname = \"y\"\nreads = 0.25\nwhy = \"too\"\n";
        let budget = Budget::parse(text).unwrap();
        assert_eq!((budget.per_frame, budget.per_frame_line), (2.0, 1));
        assert_eq!(budget.hot_crates, ["a", "b"]);
        assert_eq!(budget.test_packages, ["c"]);
        let sites: Vec<_> =
            budget.sites.iter().map(|s| (s.name.as_str(), s.why.as_str(), s.line)).collect();
        assert_eq!(sites, [("x", "needed", 4), ("y", "too", 8)]);
        assert_eq!(budget.listed_reads(), 1.25);
    }

    #[test]
    fn a_damaged_budget_is_refused() {
        let problem = |text: &str| format!("{:#}", Budget::parse(text).unwrap_err());
        assert_eq!(problem(""), "`per_frame` is missing");
        assert_eq!(problem("per_frames = 1"), "line 1: unknown key `per_frames`");
        assert_eq!(problem("per_frame = \"1\""), "line 1: `per_frame`: expected a number");
        let negative = "line 1: `per_frame`: -0.5: expected a number from 0 on";
        assert_eq!(problem("per_frame = -0.5"), negative);
        let site =
            |fields: &str| problem(&format!("per_frame = 1\n[[site]]\nname = \"x\"\n{fields}"));
        assert_eq!(site("reads = 1"), "line 2: `why` is missing");
        assert_eq!(site("reads = 1\nwhy = \" \""), "line 2: `why` is empty");
        assert_eq!(site("reads = 1\nbecause = \"\""), "line 2: unknown key `because`");
    }
}
