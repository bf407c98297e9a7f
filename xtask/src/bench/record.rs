//! The recorded counts: `benches/gate.toml`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

const HEADER: &str = "\
# Instructions of the utterance that `cargo xtask bench gate` runs, for each target and set of
# features. Written by `cargo xtask bench gate --update`.
";

/// What a count depends on, beside the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) target: String,
    pub(super) rustc: String,
    pub(super) valgrind: String,
    /// Features of `tts-benches`, separated by commas.
    pub(super) features: String,
}

impl Setting {
    /// The setting of a build by the compiler of the workspace at `root`.
    pub(super) fn here(root: &Path, valgrind: String, features: &str) -> Result<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("-vV").current_dir(root).output();
        let output = output.context("cannot start rustc")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let field = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.map(str::to_owned).with_context(|| format!("rustc -vV has no `{name}`"))
        };
        let (target, rustc) = (field("host: ")?, field("rustc ")?);
        Ok(Self { target, rustc, valgrind, features: features.to_owned() })
    }

    /// Whether there is one record for both.
    fn shares_record(&self, other: &Self) -> bool {
        (&self.target, &self.features) == (&other.target, &other.features)
    }

    /// What `self` has and `other` has not; `None` if counts of both can be compared.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let fields =
            [("rustc", &self.rustc, &other.rustc), ("valgrind", &self.valgrind, &other.valgrind)];
        let differing = fields.into_iter().find(|(_, here, there)| here != there);
        differing.map(|(name, here, there)| format!("{name} {there}, this is {here}"))
    }
}

/// A recorded count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) setting: Setting,
    pub(super) instructions: u64,
}

/// All recorded counts; one at most for a target and its features.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Records(Vec<Record>);

impl Records {
    /// Reads a file; none is the same as one without records.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let named = || format!("cannot read {}", path.display());
        let text = fs::read_to_string(path).with_context(named)?;
        Self::parse(&text).with_context(named)
    }

    fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let records = match table.get("record") {
            Some(Value::Array(records)) => records.iter().map(record).collect::<Result<_>>()?,
            Some(_) => bail!("`record` is no array of tables"),
            None => Vec::new(),
        };
        Ok(Self(records))
    }

    pub(super) fn find(&self, setting: &Setting) -> Option<&Record> {
        self.0.iter().find(|record| record.setting.shares_record(setting))
    }

    /// Puts a record in the place of the one for its target and features.
    pub(super) fn put(&mut self, record: Record) {
        self.0.retain(|old| !old.setting.shares_record(&record.setting));
        self.0.push(record);
        self.0.sort_by(|a, b| {
            let key = |r: &Record| (r.setting.target.clone(), r.setting.features.clone());
            key(a).cmp(&key(b))
        });
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("cannot write {}", path.display()))
    }

    fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for Record { setting, instructions } in &self.0 {
            let fields = [
                ("target", &setting.target),
                ("features", &setting.features),
                ("rustc", &setting.rustc),
                ("valgrind", &setting.valgrind),
            ];
            text += "\n[[record]]\n";
            for (name, value) in fields {
                // A string of JSON is one of TOML too.
                _ = writeln!(text, "{name} = {}", serde_json::Value::from(value.as_str()));
            }
            _ = writeln!(text, "instructions = {instructions}");
        }
        text
    }
}

fn record(value: &Value) -> Result<Record> {
    let string = |name: &str| {
        let found = value.get(name).and_then(Value::as_str);
        found.map(str::to_owned).with_context(|| format!("a record has no `{name}`"))
    };
    let count = value.get("instructions").and_then(Value::as_integer);
    let count = count.and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
    Ok(Record {
        setting: Setting {
            target: string("target")?,
            rustc: string("rustc")?,
            valgrind: string("valgrind")?,
            features: string("features")?,
        },
        instructions: count.context("a record has no positive `instructions`")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(target: &str, features: &str, instructions: u64) -> Record {
        let [target, rustc, valgrind, features] =
            [target, "1.95.0 (abc \"x\")", "3.19.0", features].map(str::to_owned);
        Record { setting: Setting { target, rustc, valgrind, features }, instructions }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut records = Records::default();
        for record in [made("b", "", 1), made("a", "x,y", 2), made("a", "", 3), made("b", "", 4)] {
            records.put(record);
        }
        assert_eq!(records.0, [made("a", "", 3), made("a", "x,y", 2), made("b", "", 4)]);
        assert_eq!(Records::parse(&records.text()).unwrap(), records);
        assert_eq!(records.find(&made("b", "", 0).setting).unwrap().instructions, 4);
        assert_eq!(records.find(&made("c", "", 0).setting), None);
    }

    #[test]
    fn records_that_lack_something_are_errors() {
        let good = Records(vec![made("a", "", 3)]).text();
        for (from, to) in [
            ("target", "goal"),
            ("valgrind", "tool"),
            ("= 3", "= -3"),
            ("= 3", "= 0"),
            ("= 3", "= \"3\""),
            ("[[record]]", "[record]"),
        ] {
            let text = good.replacen(&format!("\n{from}"), &format!("\n{to}"), 1);
            let text = if text == good { good.replacen(from, to, 1) } else { text };
            assert!(Records::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_of_another_compiler_cannot_be_compared() {
        let here = made("a", "", 1).setting;
        assert_eq!(here.difference(&here), None);
        let other = Setting { rustc: "1.96.0".into(), ..here.clone() };
        let difference = here.difference(&other).unwrap();
        assert_eq!(difference, "rustc 1.96.0, this is 1.95.0 (abc \"x\")");
    }
}
