//! What is printed.

use serde_json::json;

use super::{BUDGET, audited};
use crate::audit::{json, sarif, table};

const READS: &str = "impl Codec { fn load(t: &Tensor) {\nt.to_vec1(); } }";
const PROBLEM: &str = "`to_vec1` in `Codec::load` without a mark directly before its statement";

#[test]
fn the_table_is_aligned() {
    let report = audited(BUDGET, &[("crates/tts/src/a.rs", READS)]);
    let expected = format!(
        "\
LOCATION                   FUNCTION     CLASS      SITE   READ
crates/tts/src/a.rs:2      Codec::load  unmarked   -      to_vec1
crates/tts/src/frame.rs:3  frame        per-frame  frame  to_scalar
crates/tts/src/a.rs:2: unmarked-read: {PROBLEM}
audit-gpu-syncs: 2 reads and 0 in tests, 1 of 1 per frame, 1 findings
"
    );
    assert_eq!(table::render(&report), expected);
}

#[test]
fn json_has_sites_and_findings() {
    let expected = json!({
        "sites": [
            {
                "file": "crates/tts/src/a.rs", "line": 2, "column": 3, "function": "Codec::load",
                "read": "to_vec1", "class": null, "site": null,
            },
            {
                "file": "crates/tts/src/frame.rs", "line": 3, "column": 7, "function": "frame",
                "read": "to_scalar", "class": "per-frame", "site": "frame",
            },
        ],
        "findings": [{
            "file": "crates/tts/src/a.rs", "line": 2, "rule": "unmarked-read", "message": PROBLEM,
        }],
        "per_frame": 1.0,
        "budget": 1.0,
    });
    assert_eq!(json::value(&audited(BUDGET, &[("crates/tts/src/a.rs", READS)])), expected);
}

#[test]
fn sarif_has_errors_and_information() {
    let log = sarif::value(&audited(BUDGET, &[("crates/tts/src/a.rs", READS)]));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]));
    }
    let (finding, site) = (&results[0], &results[1]);
    assert_eq!((&finding["ruleId"], &finding["level"]), (&json!("unmarked-read"), &json!("error")));
    assert_eq!(finding["message"]["text"], PROBLEM);
    assert_eq!((&site["kind"], &site["level"]), (&json!("informational"), &json!("none")));
    assert_eq!(site["message"]["text"], "`frame`: `to_scalar`, per-frame");
    assert_eq!(
        site["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": { "uri": "crates/tts/src/frame.rs", "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": 3, "startColumn": 7 },
        })
    );
}
