//! Makes a small database in the schema of `nsys export --type sqlite` and reports it.
//!
//! With arguments `SCRIPT.sql REPORT.sqlite` it only makes the database, from that script.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tts_nsys::{Selection, analyse, read};

fn make(script: &str, path: &Path) -> rusqlite::Result<()> {
    Connection::open(path)?.execute_batch(script)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if let [script, path] = &arguments[..] {
        return Ok(make(&fs::read_to_string(script)?, path.as_ref())?);
    }
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("report.sqlite");
    make(include_str!("../tests/data/two_utterances.sql"), &path)?;
    let warm_up = Selection { skip_utterances: 1, frames: None };
    print!("{}", analyse(&read(&path)?, &warm_up)?);
    Ok(())
}
