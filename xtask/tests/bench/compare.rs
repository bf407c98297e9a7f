//! `compare`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{Stage, assert_code, text};

#[test]
fn a_saved_result_that_is_slower_fails() {
    let stage = Stage::new();
    stage.result("a.json", &[100.0, 101.0, 99.0, 100.5, 99.5]);
    stage.result("b.json", &[110.0, 111.0, 109.0, 110.5, 109.5]);
    let output = stage.run(&["compare", "a.json", "b.json"]);
    assert_code(&output, 1);
    let printed = text(&output.stdout);
    assert!(printed.contains("saved samples, not interleaved"), "{printed}");
    let row = |metric: &str| {
        let found = printed.lines().find(|line| line.contains(metric));
        found.unwrap_or_else(|| panic!("no {metric} in {printed}")).to_owned()
    };
    assert!(row("wall").contains("1.100") && row("wall").ends_with("slower"), "{printed}");
    assert!(row("generate").ends_with("slower"), "{printed}");
    // A threshold above the difference lets it pass.
    assert_code(&stage.run(&["compare", "a.json", "b.json", "--threshold", "15%"]), 0);
    assert!(stage.calls("cargo").is_empty());
}

#[test]
fn faster_and_equal_saved_results_pass() {
    let stage = Stage::new();
    stage.result("a.json", &[100.0, 101.0, 99.0, 100.5, 99.5]);
    stage.result("b.json", &[90.0, 91.0, 89.0]);
    let output = stage.run(&["compare", "a.json", "b.json", "--json"]);
    assert_code(&output, 0);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["passed"], true);
    assert_eq!(report["rows"][0]["verdict"], "faster");
    assert_eq!(report["rows"][0]["samples"], json!([5, 3]));

    let output = stage.run(&["compare", "a.json", "a.json"]);
    assert_code(&output, 0);
    assert!(text(&output.stdout).contains("no difference shown"));
}

#[test]
fn what_cannot_be_compared_ends_with_2() {
    let stage = Stage::new();
    stage.result("a.json", &[1.0]);
    stage.write("other.json", "{}");
    for arguments in [
        &["compare", "a.json"][..],
        &["compare", "a.json", "other.json"],
        &["compare", "a.json", "nothing"],
        &["compare", "a.json", "env:nothing"],
        &["compare", "a.json", "a.json", "--threshold", "much"],
        &["compare", "a.json", "a.json", "--rounds", "0"],
    ] {
        assert_code(&stage.run(arguments), 2);
    }
    let output = stage.run(&["compare", "a.json", "other.json"]);
    let message = text(&output.stderr);
    assert!(message.starts_with("other.json is no result of `e2e_bench -o json`"), "{message}");
    stage.write("no-build", "");
    assert_code(&stage.run(&["compare", "flags:", "a.json"]), 2);
}

#[test]
fn settings_take_turns() {
    let stage = Stage::new();
    let output = stage.run(&["compare", "flags:", "flags:--slow", "--rounds", "4"]);
    assert_code(&output, 1);
    assert!(text(&output.stdout).contains("4 rounds, interleaved"));
    let a_b_b_a = ["100", "150", "150", "100"];
    assert_eq!(stage.walls(), [a_b_b_a, a_b_b_a].concat());
    let call = &stage.calls("e2e_bench")[1];
    let options = "150 --output json --iterations 1 --warmup 1 --labels short --frames 25 --slow";
    assert_eq!(call, options);
}

#[test]
fn variables_and_further_arguments_reach_the_benchmark() {
    let stage = Stage::new();
    let arguments = ["compare", "env:SLOW=1", "flags:", "--rounds", "1", "--model-dir", "a model"];
    let output = stage.run(&[&arguments[..], &["--features", "x", "--", "--seed", "7"]].concat());
    assert_code(&output, 0);
    assert_eq!(stage.walls(), ["150", "100"]);
    let call = &stage.calls("e2e_bench")[0];
    assert!(call.ends_with("--frames 25 --model-dir a model --seed 7"), "{call}");
    assert!(stage.calls("cargo").iter().all(|call| call.ends_with("--features x")));
}

#[test]
fn a_saved_result_can_be_compared_with_a_build() {
    let stage = Stage::new();
    stage.result("a.json", &[100.0, 100.0, 100.0]);
    let output = stage.run(&["compare", "a.json", "flags:--slow", "--rounds", "2"]);
    assert_code(&output, 1);
    let printed = text(&output.stdout);
    assert!(printed.contains("saved samples against 2 new runs, not interleaved"), "{printed}");
    assert_eq!(stage.walls(), ["150", "150"]);
}

#[test]
fn commits_are_checked_out_and_built_once_each() {
    let stage = Stage::new();
    stage.commit();
    for _ in 0..2 {
        assert_code(&stage.run(&["compare", "trunk", "flags:", "--rounds", "1"]), 0);
    }
    let builds = stage.calls("cargo");
    let [build, current, again, _] = &builds[..] else { panic!("{builds:?}") };
    assert_eq!(build, again);
    let homes: Vec<_> = fs::read_dir(stage.path("root/target/bench-compare"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let [home] = &homes[..] else { panic!("{homes:?}") };
    let home = fs::canonicalize(home.path()).unwrap();
    assert!(home.join("source/Cargo.toml").is_file());
    let (manifest, target) = build.split_once(" --target-dir ").unwrap();
    assert!(manifest.ends_with("source/Cargo.toml"), "{build}");
    assert_eq!(fs::canonicalize(Path::new(target).parent().unwrap()).unwrap(), home);
    assert!(!current.contains("--target-dir"), "{current}");

    // A work tree that was deleted is made again.
    fs::remove_dir_all(home).unwrap();
    assert_code(&stage.run(&["compare", "trunk", "flags:", "--rounds", "1"]), 0);
}
