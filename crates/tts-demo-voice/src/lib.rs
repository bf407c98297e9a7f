//! The demo voice: a small checkpoint of exactly the Qwen3-TTS form that speaks English, so
//! that the program speaks without a download.
//!
//! `docs/demo-voice.md` says how well, and what it was made from; `tools/demo-voice` makes it.

/// The name under which the model is offered.
pub const NAME: &str = "demo";

/// Every file of the model directory: path relative to it, with `/` between the parts, and
/// content. The content is not aligned to anything.
pub const FILES: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../voice/config.json")),
    ("generation_config.json", include_bytes!("../voice/generation_config.json")),
    ("merges.txt", include_bytes!("../voice/merges.txt")),
    ("model.safetensors", include_bytes!("../voice/model.safetensors")),
    ("preprocessor_config.json", include_bytes!("../voice/preprocessor_config.json")),
    ("speech_tokenizer/config.json", include_bytes!("../voice/speech_tokenizer/config.json")),
    (
        "speech_tokenizer/model.safetensors",
        include_bytes!("../voice/speech_tokenizer/model.safetensors"),
    ),
    (
        "speech_tokenizer/preprocessor_config.json",
        include_bytes!("../voice/speech_tokenizer/preprocessor_config.json"),
    ),
    ("tokenizer_config.json", include_bytes!("../voice/tokenizer_config.json")),
    ("vocab.json", include_bytes!("../voice/vocab.json")),
];

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn the_files_are_sorted_and_fit_into_a_repository() {
        assert!(FILES.is_sorted_by_key(|(path, _)| path));
        assert!(FILES.iter().all(|(_, bytes)| !bytes.is_empty()));
        let total: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(total <= 24_000_000, "{total} bytes");
    }
}
