//! The report in SARIF 2.1.0, which code hosts show beside the code.

use serde_json::{Value, json};

use super::finding::{Finding, Rule};
use super::report::{Report, Site};
use super::site::Class;

/// The rule of the results that are no findings: the list of reads.
const SITE_RULE: &str = "gpu-sync";

/// `report` as a SARIF log with one run: findings are errors, marked reads are for
/// information. Reads of tests are left out.
pub(super) fn value(report: &Report) -> Value {
    let rules = Rule::ALL.iter().map(|one| rule(one.id(), one.demand()));
    let site_rule = rule(SITE_RULE, "The host waits for the device here");
    let findings = report.findings.iter().map(finding);
    let marked = report.sites.iter().filter(|site| site.name.is_some()).map(site);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "audit-gpu-syncs",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.chain([site_rule]).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": findings.chain(marked).collect::<Vec<_>>(),
        }],
    })
}

fn rule(id: &str, demand: &str) -> Value {
    json!({ "id": id, "shortDescription": { "text": demand } })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "ruleId": finding.rule.id(),
        "level": "error",
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact(&finding.file),
                "region": { "startLine": finding.line },
            },
        }],
    })
}

fn site(site: &Site) -> Value {
    let class = site.class.map_or("unmarked", Class::name);
    let name = site.name.as_deref().unwrap_or("-");
    json!({
        "ruleId": SITE_RULE,
        "kind": "informational",
        "level": "none",
        "message": { "text": format!("`{name}`: `{}`, {class}", site.what) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact(&site.file),
                "region": { "startLine": site.place.line, "startColumn": site.place.column },
            },
            "logicalLocations": [
                { "fullyQualifiedName": site.place.function, "kind": "function" },
            ],
        }],
    })
}

/// A file, below the root of the sources.
fn artifact(path: &str) -> Value {
    json!({ "uri": path, "uriBaseId": "%SRCROOT%" })
}
