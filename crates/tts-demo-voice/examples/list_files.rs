//! Prints the size and name of every file of the demo voice.

fn main() {
    for (path, bytes) in tts_demo_voice::FILES {
        println!("{:8} {path}", bytes.len());
    }
}
