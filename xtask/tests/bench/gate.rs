//! `gate` and `overhead`.

use std::fs;

use crate::stage::{RUSTC, Stage, assert_code, text};

#[test]
fn the_gate_lets_only_so_many_more_instructions_pass() {
    let stage = Stage::new();
    assert_code(&stage.run(&["gate", "--update"]), 0);
    let recorded = fs::read_to_string(stage.path("root/benches/gate.toml")).unwrap();
    assert!(recorded.contains("instructions = 100000"), "{recorded}");
    assert!(recorded.contains("rustc = \"1.95.0 (abc 2026-04-14)\""), "{recorded}");
    for (count, code, words) in [
        ("100000", 0, "as recorded"),
        ("100500", 0, "as recorded"),
        ("100501", 1, "more than allowed"),
        ("99000", 0, "fewer"),
    ] {
        stage.write("count", count);
        let output = stage.run(&["gate", "--runs", "1"]);
        assert_code(&output, code);
        let printed = text(&output.stdout);
        assert!(printed.contains(words), "{printed}");
    }
    stage.write("count", "102000");
    assert_code(&stage.run(&["gate", "--tolerance", "2%"]), 0);
    assert_code(&stage.run(&["gate", "--tolerance", "1.9%"]), 1);
    let call = &stage.calls("valgrind")[0];
    assert!(call.starts_with("1 --quiet"), "{call}");
    assert!(call.contains("/e2e_bench --model-dir "), "{call}");
    let utterance = "/crates/tts-fixture/model --frames 8 --labels short --iterations 1 \
                     --warmup 0 --threads 1";
    assert!(call.ends_with(utterance), "{call}");
}

#[test]
fn counts_of_another_setting_are_not_comparable() {
    let stage = Stage::new();
    let output = stage.run(&["gate"]);
    assert_code(&output, 0);
    assert!(text(&output.stdout).contains("not comparable: nothing is recorded"));
    assert_code(&stage.run(&["gate", "--update"]), 0);
    stage.write("count", "900000");
    stage.write("rustc", &RUSTC.replace("1.95.0", "1.96.0"));
    let output = stage.run(&["gate"]);
    assert_code(&output, 0);
    let printed = text(&output.stdout);
    assert!(printed.contains("not comparable: recorded with rustc 1.95.0"), "{printed}");
    // Another set of features has a record of its own.
    assert_code(&stage.run(&["gate", "--features", "x"]), 0);
    assert_code(&stage.run(&["gate", "--features", "x", "--update"]), 0);
    stage.write("count", "999999");
    assert_code(&stage.run(&["gate", "--features", "x"]), 1);
}

#[test]
fn a_gate_that_cannot_count_ends_with_2() {
    let stage = Stage::new();
    stage.write("fail", "");
    let output = stage.run(&["gate"]);
    assert_code(&output, 2);
    let message = text(&output.stderr);
    assert!(message.contains("valgrind failed (exit status: 3): broken"), "{message}");
    stage.write("root/benches/gate.toml", "[[record]]\n");
    assert_code(&stage.run(&["gate"]), 2);
}

#[test]
fn without_valgrind_one_line_says_where_it_is_to_be_had() {
    let stage = Stage::new();
    for command in ["gate", "overhead"] {
        let output = stage.run_on(&[stage.path("root")], &[command]);
        assert_code(&output, 2);
        let message = text(&output.stderr);
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with("valgrind is not on PATH: install it"), "{message}");
    }
    assert!(stage.calls("cargo").is_empty());
}

#[test]
fn profiling_without_a_listener_may_cost_less_than_a_thousandth() {
    let stage = Stage::new();
    for (extra, code, words) in
        [("0", 0, "+0.0000 %, below"), ("99", 0, "below"), ("100", 1, "+0.1000 %, not below")]
    {
        stage.write("extra", extra);
        let output = stage.run(&["overhead", "--runs", "2"]);
        assert_code(&output, code);
        let printed = text(&output.stdout);
        assert!(printed.contains(words), "{printed}");
    }
    let builds = stage.calls("cargo");
    assert!(builds[0].ends_with("--features tts/profiling"), "{builds:?}");
    // What is left is the usual build.
    assert!(!builds[1].contains("--features"), "{builds:?}");
}
