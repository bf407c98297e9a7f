//! What `run.sh` left in a folder, as a section of `docs/gpu.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The document, below the workspace root, and its section.
const DOCUMENT: &str = "docs/gpu.md";
const SECTION: &str = "## Measured\n";
/// Profiles, by whether frames are graphs.
const PROFILES: [(bool, &str); 2] = [(false, "Told kernel by kernel"), (true, "As graphs")];

/// Puts the results into the document.
pub(super) fn write(root: &Path, results: &Path) -> Result<()> {
    let path = root.join(DOCUMENT);
    let document =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let document = replaced(&document, &section(results)?)?;
    fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))
}

/// The document with another text in the section.
fn replaced(document: &str, text: &str) -> Result<String> {
    let Some((before, rest)) = document.split_once(SECTION) else {
        bail!("{DOCUMENT} has no section `{}`", SECTION.trim_end());
    };
    let after = rest.find("\n## ").map_or("", |at| &rest[at..]);
    Ok(format!("{before}{SECTION}\n{}\n{after}", text.trim_end()))
}

/// The results as Markdown.
fn section(results: &Path) -> Result<String> {
    let mut text = String::new();
    let (mut runs, mut failed) = (String::new(), Vec::new());
    let mut gpu = None;
    for line in read(results, "steps.txt")?.lines() {
        let (name, code) = line.rsplit_once(' ').with_context(|| format!("steps.txt: {line:?}"))?;
        if code != "0" {
            failed.push(format!("`{name}` ended with {code}"));
            continue;
        }
        let file = format!("{name}.json");
        if name == "kernels" || !results.join(&file).is_file() {
            continue;
        }
        let run: Value = parsed(results, &file)?;
        gpu = gpu.or_else(|| machine(&run));
        row(&mut runs, name, &run).with_context(|| file)?;
    }
    writeln!(text, "{}, by `cargo xtask gpu report`.\n", gpu.context("no run names a GPU")?)?;
    if failed.is_empty() {
        text += "All steps passed.\n";
    } else {
        writeln!(text, "**Not passed**: {}.", failed.join(", "))?;
    }
    text += "\n| run | model | precision | batch | ms | generate, ms a frame | seconds of audio a second | \
             first samples, ms | audible, ms |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    text += &runs;
    for (graphs, how) in PROFILES {
        let file = format!("summary-graphs-{graphs}.json");
        if results.join(&file).is_file() {
            profile(&mut text, how, &parsed(results, &file)?).context(file)?;
        }
    }
    if results.join("kernels.json").is_file() {
        text += "\n| kernel | bytes | us | GB/s | of a copy |\n| --- | --- | --- | --- | --- |\n";
        kernels(&mut text, &parsed(results, "kernels.json")?).context("kernels.json")?;
        text += "\n\"Cached\" kernels read the same memory again and again. A copy reads and writes, so what only \
                 reads may be faster.\n";
    }
    Ok(text)
}

fn read(results: &Path, name: &str) -> Result<String> {
    let path = results.join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn parsed(results: &Path, name: &str) -> Result<Value> {
    serde_json::from_str(&read(results, name)?).with_context(|| name.to_owned())
}

/// GPU and driver, and the commit.
fn machine(run: &Value) -> Option<String> {
    let environment = run.get("environment")?;
    let gpu = environment["gpus"].get(0)?.as_str()?;
    Some(format!("{gpu}; commit {}", environment["commit"].as_str()?))
}

/// A run of `e2e_bench`.
fn row(text: &mut String, name: &str, run: &Value) -> Result<()> {
    let environment = &run["environment"];
    let word = |key: &str| environment[key].as_str().with_context(|| format!("no `{key}`"));
    let median = run["rows"].get(0).context("no row")?.get("median").context("no median")?;
    let number = |key: &str| median[key].as_f64().with_context(|| format!("no `{key}`"));
    let batch = environment["batch"].as_f64().context("no `batch`")?;
    let frames = number("tokens_per_second")? * number("wall_ms")? / 1e3 / batch;
    let [first, heard] = ["first_byte_ms", "audible_ms"].map(|key| {
        median["playback"][key].as_f64().map_or_else(String::new, |ms| format!("{ms:.1}"))
    });
    writeln!(
        text,
        "| {name} | {} | {} | {batch} | {:.1} | {:.2} | {:.1} | {first} | {heard} |",
        word("model")?.trim_matches(['(', ')']),
        word("dtype")?,
        number("wall_ms")?,
        number("generate_ms")? / frames,
        1.0 / number("rtf")?,
    )?;
    Ok(())
}

/// What a profile says of the GPU.
fn profile(text: &mut String, how: &str, summary: &Value) -> Result<()> {
    let frames = summary["frames"]["count"].as_u64().context("no frames")?;
    let gpu = &summary["gpu"];
    let (Some(reads), Some(share)) = (gpu["reads"].as_u64(), gpu["busy_share"].as_f64()) else {
        writeln!(text, "\n{how}, in a profile: the GPU could not be asked what it did.")?;
        return Ok(());
    };
    writeln!(
        text,
        "\n{how}, in a profile, the GPU was busy for {:.0} % of the time and read by the \
         host {reads} times in {frames} frames.",
        100.0 * share
    )?;
    Ok(())
}

fn kernels(text: &mut String, kernels: &Value) -> Result<()> {
    let kernels = kernels.as_array().context("no list")?;
    let number =
        |kernel: &Value, key: &str| kernel[key].as_f64().with_context(|| format!("no `{key}`"));
    let best = number(kernels.first().context("no kernel")?, "gb_per_second")?;
    for kernel in kernels {
        let speed = number(kernel, "gb_per_second")?;
        let is_cold = kernel["is_cold"].as_bool().context("no `is_cold`")?;
        let share = format!("{:.0} %", 100.0 * speed / best);
        writeln!(
            text,
            "| {} | {} | {:.2} | {speed:.0} | {} |",
            kernel["name"].as_str().context("no `name`")?,
            kernel["bytes"],
            number(kernel, "microseconds")?,
            if is_cold { &share } else { "cached" },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let run = json!({
            "environment": {
                "gpus": ["A GPU, 580.1"], "commit": "abc", "model": "(random 0.6b)",
                "dtype": "bf16", "batch": 8,
            },
            "rows": [{ "median": {
                "wall_ms": 123.45, "rtf": 0.04, "tokens_per_second": 2592.0, "generate_ms": 100.0,
                "playback": { "first_byte_ms": 7.65, "audible_ms": 9.87 },
            } }],
        });
        let kernels = json!([
            { "name": "copy", "bytes": 1000, "microseconds": 0.5, "gb_per_second": 2000.0, "is_cold": true },
            { "name": "head", "bytes": 600, "microseconds": 0.4, "gb_per_second": 1500.0, "is_cold": true },
            { "name": "draw", "bytes": 60, "microseconds": 0.1, "gb_per_second": 600.0, "is_cold": false },
        ]);
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("steps.txt", "gpu 0\ncheck 0\nracecheck 9\nkernels 0\nbatch8 0\nlost 1\n");
        write("batch8.json", &run.to_string());
        write("kernels.json", &kernels.to_string());
        let summary = json!({
            "frames": { "count": 40 }, "gpu": { "reads": 13, "busy_share": 0.756 },
        });
        write("summary-graphs-false.json", &summary.to_string());
        let summary = json!({ "frames": { "count": 40 }, "gpu": null });
        write("summary-graphs-true.json", &summary.to_string());
        folder
    }

    #[test]
    fn results_become_a_section() {
        let text = section(results().path()).unwrap();
        assert_eq!(
            text,
            "A GPU, 580.1; commit abc, by `cargo xtask gpu report`.\n\n\
             **Not passed**: `racecheck` ended with 9, `lost` ended with 1.\n\n\
             | run | model | precision | batch | ms | generate, ms a frame | seconds of audio a second | \
             first samples, ms | audible, ms |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n\
             | batch8 | random 0.6b | bf16 | 8 | 123.5 | 2.50 | 25.0 | 7.7 | 9.9 |\n\n\
             Told kernel by kernel, in a profile, the GPU was busy for 76 % of the time and read by the \
             host 13 times in 40 frames.\n\n\
             As graphs, in a profile: the GPU could not be asked what it did.\n\n\
             | kernel | bytes | us | GB/s | of a copy |\n| --- | --- | --- | --- | --- |\n\
             | copy | 1000 | 0.50 | 2000 | 100 % |\n| head | 600 | 0.40 | 1500 | 75 % |\n\
             | draw | 60 | 0.10 | 600 | cached |\n\n\
             \"Cached\" kernels read the same memory again and again. A copy reads and writes, so what only \
             reads may be faster.\n"
        );
    }

    #[test]
    fn the_section_takes_the_place_of_the_old_one() {
        let document = "# A\n\n## Measured\n\nOld.\n\nOlder.\n\n## Next\n\nText.\n";
        let new = replaced(document, "New.\n").unwrap();
        assert_eq!(new, "# A\n\n## Measured\n\nNew.\n\n## Next\n\nText.\n");
        assert_eq!(replaced(&new, "New.\n").unwrap(), new);
        assert_eq!(replaced("## Measured\n\nOld.\n", "New.").unwrap(), "## Measured\n\nNew.\n");
        assert!(replaced("# A\n", "New.").is_err());
    }

    #[test]
    fn what_is_missing_is_told() {
        let folder = results();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let problem = || format!("{:#}", section(folder.path()).unwrap_err());
        write("batch8.json", "{}");
        assert_eq!(problem(), "batch8.json: no row");
        write("steps.txt", "gpu 0\n");
        assert_eq!(problem(), "no run names a GPU");
        write("steps.txt", "gpu\n");
        assert_eq!(problem(), "steps.txt: \"gpu\"");
        assert!(section(Path::new("/nowhere")).is_err());
    }
}
