//! Where the time goes, stage by stage.

use std::fmt::Write;

use super::data::StageRow;
use super::html::{Cell, Text, fitting, grouped, percent, table};

/// Classes of the style sheet, strongest first.
const CLASSES: [&str; 5] = ["t0", "t1", "t2", "t3", "t4"];
/// The class of everything else.
const REST: &str = "rest";
/// A stage with a smaller part of the time has no colour of its own.
const VISIBLE: f64 = 0.005;

/// Tints of the accent colour: the stage that takes the most time itself has the strongest.
pub(super) struct Tints<'a>(Vec<(&'a StageRow, &'static str)>);

impl<'a> Tints<'a> {
    pub(super) fn of(stages: &'a [StageRow]) -> Self {
        let total = self_total(stages);
        let mut stages: Vec<_> =
            stages.iter().filter(|stage| stage.self_ms > VISIBLE * total).collect();
        stages.sort_by(|a, b| b.self_ms.total_cmp(&a.self_ms));
        Self(stages.into_iter().zip(CLASSES).collect())
    }

    /// The class of a stage.
    pub(super) fn class(&self, stage: &str) -> &'static str {
        let found = self.0.iter().find(|(tinted, _)| tinted.stage == stage);
        found.map_or(REST, |(_, class)| class)
    }
}

pub(super) fn section(stages: &[StageRow], tints: &Tints<'_>) -> String {
    let total = self_total(stages);
    let mut parts: Vec<_> = tints
        .0
        .iter()
        .map(|(stage, class)| (stage.stage.as_str(), *class, stage.self_ms / total))
        .collect();
    let rest = 1.0 - parts.iter().map(|(_, _, share)| share).sum::<f64>();
    if total > 0.0 && rest > 0.0005 {
        parts.push(("all other", REST, rest));
    }
    let mut html = bar(&parts);
    html.push_str(&legend(&parts));
    html.push_str(&rows(stages));
    html.push_str(
        "<p class=\"note\">Share: with the stages inside. Self: without them; \
         these are the parts of the bar.</p>\n",
    );
    html
}

/// Time in the stages, counted once.
fn self_total(stages: &[StageRow]) -> f64 {
    stages.iter().map(|stage| stage.self_ms).sum()
}

fn bar(parts: &[(&str, &str, f64)]) -> String {
    let mut html = String::from(
        "<svg class=\"bar\" width=\"100%\" height=\"36\" role=\"img\" \
         aria-label=\"Self time of each stage as a part of the whole\">\n",
    );
    let mut x = 0.0;
    for (stage, class, share) in parts {
        let width = share * 100.0;
        _ = writeln!(
            html,
            "<svg class=\"{class}\" x=\"{x:.3}%\" width=\"{width:.3}%\" height=\"36\">\
             <title>{stage}: {percent}</title><rect width=\"100%\" height=\"36\"/>{text}</svg>",
            stage = Text(stage),
            percent = percent(*share),
            text = fitting(stage, width, 23)
        );
        x += width;
    }
    html.push_str("</svg>\n");
    html
}

fn legend(parts: &[(&str, &str, f64)]) -> String {
    let mut html = String::from("<ul class=\"legend\">\n");
    for (stage, class, share) in parts {
        _ = writeln!(
            html,
            "<li><span class=\"swatch {class}\"></span>{} <b>{}</b></li>",
            Text(stage),
            percent(*share)
        );
    }
    html.push_str("</ul>\n");
    html
}

fn rows(stages: &[StageRow]) -> String {
    let header = [
        "stage",
        "share",
        "total ms",
        "self ms",
        "count",
        "mean ms",
        "p50 ms",
        "p95 ms",
        "max ms",
        "allocations",
        "kB",
    ];
    let cells = |row: &StageRow| {
        let time = &row.time;
        let ms = |ms: f64| Cell::Number(format!("{ms:.3}"));
        vec![
            Cell::Words(row.stage.clone()),
            Cell::Share(row.share),
            Cell::Number(format!("{:.1}", time.total_ms)),
            Cell::Number(format!("{:.1}", row.self_ms)),
            Cell::Number(grouped(time.count as u64)),
            ms(time.mean_ms),
            ms(time.p50_ms),
            ms(time.p95_ms),
            ms(time.max_ms),
            Cell::Number(grouped(row.allocations)),
            Cell::Number(grouped(row.allocated_bytes / 1000)),
        ]
    };
    table("Stages", &header, &stages.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::data::Stats;
    use super::*;

    fn stage(name: &str, self_ms: f64) -> StageRow {
        let time =
            Stats { count: 1, total_ms: 1.0, mean_ms: 1.0, p50_ms: 1.0, p95_ms: 1.0, max_ms: 1.0 };
        let stage = name.to_owned();
        StageRow {
            stage,
            time,
            share: 0.5,
            self_ms,
            gpu_ms: 0.0,
            allocations: 1234,
            allocated_bytes: 5_678_000,
        }
    }

    #[test]
    fn the_costliest_stage_has_the_strongest_tint() {
        let stages = [stage("a", 0.001), stage("b", 20.0), stage("c", 80.0)];
        let tints = Tints::of(&stages);
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| tints.class(name)),
            ["rest", "t1", "t0", "rest"]
        );
        let html = section(&stages, &tints);
        assert!(html.contains("<title>c: 80.0\u{a0}%</title>"), "{html}");
        assert!(!html.contains("all other"), "{html}");
        assert!(html.contains("1\u{202f}234</td><td class=\"number\">5\u{202f}678</td>"), "{html}");
    }

    #[test]
    fn the_parts_of_the_bar_fill_it() {
        let stages: Vec<_> = (1..=8).map(|n| stage(&format!("s{n}"), f64::from(n))).collect();
        let html = section(&stages, &Tints::of(&stages));
        // 8, 7, 6, 5 and 4 of 36 have a tint.
        assert!(html.contains("<title>all other: 16.7\u{a0}%</title>"), "{html}");
    }

    #[test]
    fn no_stages_are_an_empty_bar() {
        assert!(!section(&[], &Tints::of(&[])).contains("NaN"));
    }
}
