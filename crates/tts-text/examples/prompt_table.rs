//! Prints the prompt of the embedded model as a table, one line per position.
//!
//! `cargo run -p tts-text --example prompt_table -- [TEXT]`

use std::error::Error;

use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_text::{
    CodecInput, Layout, PromptRequest, Speaker, SplitRule, Tokenizer, build_prompt,
    supported_speakers,
};

fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "Hello there.".to_owned());
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
    let config = &checkpoint.config;
    let tokenizer = Tokenizer::load(&checkpoint.files, config, SplitRule::default())?;
    let speakers = supported_speakers(config);
    let request = PromptRequest {
        language: Some("English"),
        speaker: speakers.first().map_or(Speaker::None, |name| Speaker::Named(name)),
        ..PromptRequest::new(&text, Layout::default_for(config.tts_model_type))
    };
    let prompt = build_prompt(&tokenizer, config, &request)?;

    println!("position    text  codec");
    for (at, position) in prompt.positions.iter().enumerate() {
        let codec = match position.codec {
            CodecInput::None => "-".to_owned(),
            CodecInput::Id(id) => id.to_string(),
            CodecInput::SpeakerEmbedding => "x-vector".to_owned(),
            CodecInput::ReferenceFrame(frame) => format!("reference frame {frame}"),
        };
        let text = position.text.map_or_else(|| "-".to_owned(), |id| id.to_string());
        println!("{at:8}  {text:>6}  {codec}");
    }
    println!("then, one per frame: {:?}", prompt.trailing);
    Ok(())
}
