//! A profile is written whatever ends the program.
#![cfg(all(feature = "record", unix))]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tts_profiling::record::{Output, Profile, ProfileError};
use tts_profiling::{Stage, stage_span};

/// Tells a copy of this program which end to come to, and where to write.
const CHILD: &str = "TTS_PROFILED_CHILD";

/// Starts this test again, as a program of its own.
fn start(test: &str, trace: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, trace)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn child_profile() -> Option<Profile> {
    let trace = std::env::var_os(CHILD)?;
    Some(Profile::start(vec![Output::Chrome(trace.into())]).unwrap())
}

fn names(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap().iter();
    let spans = events.filter(|event| event["ph"] == "X");
    spans.map(|event| event["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_panic() {
    if let Some(profile) = child_profile() {
        let _span = stage_span!(Stage::Synthesize);
        drop(stage_span!(Stage::Prefill));
        assert!(profile.recording().trace().syncs.len() > 1, "the panic of the test");
    } else {
        let home = tempfile::tempdir().unwrap();
        let trace = home.path().join("trace.json");
        assert!(!start("a_panic", &trace).wait().unwrap().success());
        assert_eq!(names(&trace), ["synthesize", "prefill"]);
    }
}

#[test]
fn an_interrupt() {
    if let Some(_profile) = child_profile() {
        let _span = stage_span!(Stage::Synthesize);
        drop(stage_span!(Stage::Prefill));
        println!("ready");
        loop {
            std::thread::park();
        }
    }
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace.json");
    let mut child = start("an_interrupt", &trace);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("ready")));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(&trace), ["synthesize", "prefill"]);
}

#[test]
fn the_end() {
    if let Some(profile) = child_profile() {
        // There can be only one in a process.
        assert!(matches!(Profile::start(vec![]), Err(ProfileError::Subscriber(_))));
        drop(stage_span!(Stage::Synthesize));
        assert_eq!(profile.finish().unwrap().spans.len(), 1);
    } else {
        let home = tempfile::tempdir().unwrap();
        let trace = home.path().join("trace.json");
        assert!(start("the_end", &trace).wait().unwrap().success());
        assert_eq!(names(&trace), ["synthesize"]);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    if std::env::var_os(CHILD).is_some() {
        let profile = Profile::start(vec![Output::Folded("no/such/directory".into())]).unwrap();
        let error = profile.finish().unwrap_err().to_string();
        assert!(error.contains("no/such/directory"), "{error}");
    } else {
        let here = Path::new("unused");
        assert!(start("a_file_that_cannot_be_written_is_named", here).wait().unwrap().success());
    }
}
