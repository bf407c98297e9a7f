//! The sections, put together.

use anyhow::{Context, Result};

use super::data::Data;
use super::html::Text;
use super::stages::Tints;
use super::{environment, flame, frames, gpu, headline, roofline, stages, syncs};

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn render(data: &Data) -> Result<String> {
    let row = data.bench.rows.first().context("e2e_bench measured nothing")?;
    let tints = Tints::of(&data.summary.stages);
    let mut sections = vec![
        ("Stages", stages::section(&data.summary.stages, &tints)),
        ("Frames", frames::section(&data.summary.frames)),
        ("Flame graph", flame::section(&data.stacks, &tints)?),
        ("Waits for the device", syncs::section(&data.audit, &data.summary)),
    ];
    if let Some(gpu) = &data.summary.gpu {
        sections.push(("GPU", gpu::section(gpu, &data.summary.stages)));
    }
    if let Some(roofline) = &data.roofline {
        sections.push(("Roofline", roofline::section(roofline)));
    }
    sections.push(("Environment", environment::section(&data.bench.environment)));

    let name = environment::name(&data.bench.environment);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Speech profile: {name}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<header>\n<h1>Speech profile</h1>\n<p>{name}</p>\n</header>\n",
        name = Text(&name)
    );
    html.push_str(&headline::section(row, &data.bench.rows, &data.summary));
    for (title, content) in &sections {
        html.extend(["<section>\n<h2>", title, "</h2>\n", content, "</section>\n"]);
    }
    html.push_str("</main>\n</body>\n</html>\n");
    Ok(html)
}
