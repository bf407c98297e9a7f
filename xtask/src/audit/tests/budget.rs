//! Per-frame sites and what `audit.toml` says of them.

use super::{BUDGET, audited, findings, plant};
use crate::audit::budget::Budget;
use crate::audit::report::audit;
use crate::source::workspace::Workspace;

const SECOND: &str =
    "fn f(t: &Tensor) {\ngpu_sync!(\"second\", SyncClass::PerFrame);\nt.to_vec1(); }";

fn listed(name: &str, reads: usize) -> String {
    format!("{BUDGET}[[site]]\nname = \"{name}\"\nreads = {reads}\nwhy = \"so\"\n")
}

fn with_budget(budget: &str, code: &str) -> Vec<String> {
    findings(&audited(budget, &[("crates/tts/src/a.rs", code)]))
}

#[test]
fn a_site_that_is_not_listed_counts_and_is_refused() {
    assert_eq!(plant(SECOND), ["audit.toml:1 over-budget", "a:2 unlisted-site"]);
}

#[test]
fn a_listed_site_over_the_budget_is_refused() {
    assert_eq!(with_budget(&listed("second", 1), SECOND), ["audit.toml:1 over-budget"]);
    let report = audited(&listed("second", 15), &[("crates/tts/src/a.rs", SECOND)]);
    assert_eq!((report.per_frame, report.budget), (16.0, 1.0));
}

#[test]
fn a_listed_site_off_the_decode_path_costs_nothing() {
    assert_eq!(with_budget(&listed("second", 0), SECOND), [""; 0]);
}

#[test]
fn a_listed_site_that_is_gone_is_refused() {
    assert_eq!(with_budget(&listed("second", 0), ""), ["audit.toml:8 gone-site"]);
    let rare = SECOND.replace("PerFrame", "PerChunk");
    assert_eq!(with_budget(&listed("second", 0), &rare), ["audit.toml:8 gone-site"]);
    assert_eq!(with_budget(&listed("frame", 0), ""), ["audit.toml:8 duplicate-site"]);
}

#[test]
fn sites_of_other_classes_need_no_entry() {
    for class in ["Load", "PerUtterance", "PerChunk"] {
        assert_eq!(plant(&SECOND.replace("PerFrame", class)), [""; 0]);
    }
}

#[test]
fn a_package_that_does_not_exist_is_refused() {
    let budget = Budget::parse("per_frame = 0\nhot_crates = [\"tts-gone\"]").unwrap();
    let error = audit(&Workspace::default(), &budget).unwrap_err();
    assert_eq!(error.to_string(), "audit.toml: no package is called `tts-gone`");
}
