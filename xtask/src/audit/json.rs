//! The report as one JSON object.

use serde_json::{Value, json};

use super::finding::Finding;
use super::report::{Report, Site};
use super::site::Class;

/// `report` as JSON: sites and findings, in the order of the table.
pub(super) fn value(report: &Report) -> Value {
    json!({
        "sites": report.sites.iter().map(site).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "per_frame": report.per_frame,
        "budget": report.budget,
    })
}

fn site(site: &Site) -> Value {
    json!({
        "file": site.file,
        "line": site.place.line,
        "column": site.place.column,
        "function": site.place.function,
        "read": site.what,
        "class": site.class.map(Class::name),
        "site": site.name,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "rule": finding.rule.id(),
        "message": finding.message,
    })
}
