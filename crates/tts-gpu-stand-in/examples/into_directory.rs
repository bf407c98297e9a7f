//! Builds the stand-ins into a directory, so that a profile on a machine without a GPU
//! shows what one with a GPU does:
//!
//! ```text
//! cargo run -p tts-gpu-stand-in --example into_directory -- target/stand-ins
//! LD_LIBRARY_PATH=target/stand-ins make profile-chrome
//! ```
//!
//! Without a directory it is one that is removed again.

use std::io;

fn main() -> io::Result<()> {
    let removed = tempfile::tempdir()?;
    let directory = std::env::args_os().nth(1);
    let directory = directory.as_ref().map_or(removed.path(), |directory| directory.as_ref());
    std::fs::create_dir_all(directory)?;
    tts_gpu_stand_in::build_all(directory)?;
    for library in tts_gpu_stand_in::LIBRARIES {
        let bytes = directory.join(library).metadata()?.len();
        println!("{}: {bytes} bytes", directory.join(library).display());
    }
    Ok(())
}
