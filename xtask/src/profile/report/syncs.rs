//! Where the host waits for the device: what the source says, beside what was seen.

use std::fmt::Write;

use super::data::{Audit, AuditedSite, Summary, Sync};
use super::html::{Cell, Text, grouped, table};

/// The class whose waits have a budget.
const PER_FRAME: &str = "per-frame";
/// The class of reads that no user ever waits for.
const TEST: &str = "test";

/// Waits in a frame while it ran, on average.
pub(super) fn per_frame(summary: &Summary) -> f64 {
    let per_frame = summary.syncs.iter().filter(|sync| sync.class == PER_FRAME);
    let count: usize = per_frame.map(|sync| sync.count).sum();
    count as f64 / summary.frames.time.count.max(1) as f64
}

pub(super) fn section(audit: &Audit, summary: &Summary) -> String {
    let sites: Vec<_> =
        audit.sites.iter().filter(|site| site.class.as_deref() != Some(TEST)).collect();
    let named = |sync: &Sync| sites.iter().any(|site| site.site.as_ref() == Some(&sync.site));
    let unnamed: Vec<_> = summary.syncs.iter().filter(|sync| !named(sync)).collect();

    let mut html = format!(
        "<p>A frame waited <b>{:.2} times</b>. For a GPU, which reads some frames together, the source \
         says {} and the budget is {}; on a CPU, where a read costs nothing, each is read.</p>\n",
        per_frame(summary),
        audit.per_frame,
        audit.budget
    );
    let header = ["site", "class", "times seen", "read", "function", "place"];
    let seen = |site: &AuditedSite| {
        summary.syncs.iter().find(|sync| Some(&sync.site) == site.site.as_ref())
    };
    let mut rows: Vec<_> = sites.iter().map(|site| row(Some(site), seen(site))).collect();
    rows.extend(unnamed.iter().map(|sync| row(None, Some(sync))));
    html.push_str(&table("Waits for the device", &header, &rows));
    let tests = audit.sites.len() - sites.len();
    _ = writeln!(html, "<p class=\"note\">Reads in tests, not listed: {tests}.</p>");
    if !audit.findings.is_empty() {
        html.push_str("<p><b>The audit objects:</b></p>\n<ul>\n");
        for finding in &audit.findings {
            let place = format!("{}:{}", finding.file, finding.line);
            _ = writeln!(html, "<li>{}: {}</li>", Text(place), Text(&finding.message));
        }
        html.push_str("</ul>\n");
    }
    html
}

/// A site of the source, a site seen while running, or both.
fn row(site: Option<&AuditedSite>, seen: Option<&Sync>) -> Vec<Cell> {
    let name = site.and_then(|site| site.site.as_ref()).or(seen.map(|sync| &sync.site));
    let words = |text: Option<String>| Cell::Words(text.unwrap_or_else(|| "–".into()));
    vec![
        words(name.cloned()),
        Cell::Words(class(site, seen)),
        Cell::Number(grouped(seen.map_or(0, |sync| sync.count as u64))),
        words(site.map(|site| site.read.clone())),
        words(site.map(|site| site.function.clone())),
        words(site.map(|site| format!("{}:{}", site.file, site.line))),
    ]
}

/// The class in the source, and what is wrong with it.
fn class(site: Option<&AuditedSite>, seen: Option<&Sync>) -> String {
    let of_source = site.map(|site| site.class.as_deref().unwrap_or("unmarked"));
    match (of_source, seen.map(|sync| sync.class.as_str())) {
        (Some(class), Some(seen)) if class != seen => format!("{class}, but seen as {seen}"),
        (Some(class), _) => class.into(),
        (None, Some(seen)) => format!("not in the source, seen as {seen}"),
        (None, None) => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn audit() -> Audit {
        let site = |site: Option<&str>, class: Option<&str>| json!({"site": site, "class": class, "file": "f.rs", "line": 7, "function": "T::f", "read": "to_vec1"});
        serde_json::from_value(json!({
            "sites": [
                site(None, None), site(Some("a"), Some("per-frame")),
                site(Some("b"), Some("load")), site(None, Some("test")),
            ],
            "findings": [{"file": "f.rs", "line": 7, "message": "`x` < `y`"}],
            "per_frame": 0.25, "budget": 0.5,
        }))
        .unwrap()
    }

    fn summary() -> Summary {
        serde_json::from_value(json!({
            "stages": [],
            "frames": {"count": 4, "total_ms": 0, "mean_ms": 0, "p50_ms": 0, "p95_ms": 0,
                       "max_ms": 0, "each_ms": []},
            "syncs": [{"site": "a", "class": "per-frame", "count": 6},
                      {"site": "b", "class": "per-chunk", "count": 2},
                      {"site": "c", "class": "per-chunk", "count": 1}],
        }))
        .unwrap()
    }

    #[test]
    fn source_and_run_are_side_by_side() {
        let html = section(&audit(), &summary());
        for row in [
            "<th scope=\"row\">–</th><td>unmarked</td><td class=\"number\">0</td><td>to_vec1</td>",
            "<th scope=\"row\">a</th><td>per-frame</td><td class=\"number\">6</td>",
            "<th scope=\"row\">b</th><td>load, but seen as per-chunk</td><td class=\"number\">2</td>",
            "<th scope=\"row\">c</th><td>not in the source, seen as per-chunk</td><td class=\"number\">1</td><td>–</td>",
            "<li>f.rs:7: `x` &lt; `y`</li>",
        ] {
            assert!(html.contains(row), "{row} in {html}");
        }
        assert!(html.contains("<b>1.50 times</b>"), "{html}");
        assert!(html.contains("says 0.25 and the budget is 0.5;"), "{html}");
        assert!(html.contains("Reads in tests, not listed: 1."), "{html}");
    }
}
