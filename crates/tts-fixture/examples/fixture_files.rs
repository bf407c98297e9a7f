//! Prints the size and name of every embedded file.

fn main() {
    for (path, bytes) in tts_fixture::FILES {
        println!("{:8} {path}", bytes.len());
    }
}
