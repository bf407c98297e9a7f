//! A checkpoint for tests: a complete Qwen3-TTS CustomVoice model directory of less than
//! 1 MB with random weights. It speaks noise. `tools/fixture/make_fixture.py` writes it.

use std::path::Path;

/// Every file of the model directory: path relative to it, with `/` between the
/// parts, and content. The content is not aligned to anything.
pub const FILES: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../model/config.json")),
    ("generation_config.json", include_bytes!("../model/generation_config.json")),
    ("merges.txt", include_bytes!("../model/merges.txt")),
    ("model.safetensors", include_bytes!("../model/model.safetensors")),
    ("preprocessor_config.json", include_bytes!("../model/preprocessor_config.json")),
    ("speech_tokenizer/config.json", include_bytes!("../model/speech_tokenizer/config.json")),
    (
        "speech_tokenizer/model.safetensors",
        include_bytes!("../model/speech_tokenizer/model.safetensors"),
    ),
    (
        "speech_tokenizer/preprocessor_config.json",
        include_bytes!("../model/speech_tokenizer/preprocessor_config.json"),
    ),
    ("tokenizer_config.json", include_bytes!("../model/tokenizer_config.json")),
    ("vocab.json", include_bytes!("../model/vocab.json")),
];

/// Writes the model as a directory in the layout of the released checkpoints.
///
/// # Errors
/// If `directory` cannot be written.
pub fn write_to(directory: impl AsRef<Path>) -> std::io::Result<()> {
    for (name, content) in FILES {
        let path = directory.as_ref().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::FILES;

    fn content(path: &str) -> &'static [u8] {
        let found = FILES.iter().find(|(name, _)| *name == path);
        found.unwrap_or_else(|| panic!("{path} is missing")).1
    }

    #[test]
    fn required_files_are_present() {
        for path in [
            "config.json",
            "generation_config.json",
            "merges.txt",
            "model.safetensors",
            "speech_tokenizer/config.json",
            "speech_tokenizer/model.safetensors",
            "tokenizer_config.json",
            "vocab.json",
        ] {
            assert!(!content(path).is_empty(), "{path} is empty");
        }
    }

    #[test]
    fn safetensors_headers_fit_their_files() {
        for path in ["model.safetensors", "speech_tokenizer/model.safetensors"] {
            let bytes = content(path);
            let (length, rest) = bytes.split_first_chunk().expect("eight bytes");
            let header = usize::try_from(u64::from_le_bytes(*length)).expect("a small header");
            assert_eq!(rest[0], b'{', "{path}");
            assert!(header < rest.len(), "{path}");
        }
    }

    #[test]
    fn the_directory_stays_small_and_sorted() {
        let total: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(total <= 1_000_000, "{total} bytes");
        assert!(FILES.is_sorted_by_key(|(path, _)| path));
    }
}
