//! Requests that are refused, and what the user is told.

use std::time::{Duration, Instant};

use crate::common::Model;
use tts_checkpoint::ModelKind::{self, Base, CustomVoice, VoiceDesign};
use tts_text::{
    Layout, PromptRequest, Reference, Speaker, TextError, TextOptions, TextPart, build_prompt,
    supported_languages, supported_speakers,
};

fn error(kind: ModelKind, request: &PromptRequest<'_>) -> TextError {
    let model = Model::of_kind(kind);
    build_prompt(&model.tokenizer, &model.config, request).expect_err("a refusal")
}

fn request(text: &str) -> PromptRequest<'_> {
    PromptRequest::new(text, Layout::Streaming)
}

#[test]
fn unknown_names_list_the_known_ones() {
    let named = PromptRequest { speaker: Speaker::Named("Bob"), ..request("Hi") };
    let message = error(CustomVoice, &named).to_string();
    assert_eq!(
        message,
        "unknown speaker \"Bob\"; supported: aiden, dylan, eric, ono_anna, ryan, serena, sohee, \
         uncle_fu, vivian"
    );
    for language in ["Klingon", "beijing_dialect", ""] {
        let request = PromptRequest { language: Some(language), ..request("Hi") };
        let message = error(VoiceDesign, &request).to_string();
        assert!(message.ends_with(
            "supported: auto, chinese, english, french, german, italian, japanese, korean, \
             portuguese, russian, spanish"
        ));
    }
}

#[test]
fn lists_are_sorted_and_without_dialects() {
    let config = crate::common::config("custom_voice_a");
    assert_eq!(supported_languages(&config).len(), 11);
    assert_eq!(supported_speakers(&config).len(), 9);
    assert!(supported_languages(&config).is_sorted());
    assert!(supported_speakers(&config).is_sorted());
}

#[test]
fn kinds_of_models_do_not_mix() {
    let named = PromptRequest { speaker: Speaker::Named("ryan"), ..request("Hi") };
    let cloned = PromptRequest { speaker: Speaker::Embedding, ..request("Hi") };
    let reference = Some(Reference { transcript: "Ho", frames: 3 });
    let instructed = PromptRequest { instruct: Some("Slowly."), ..cloned };
    assert!(matches!(error(VoiceDesign, &named), TextError::NoBuiltInSpeakers { .. }));
    assert!(matches!(error(Base, &named), TextError::NoBuiltInSpeakers { .. }));
    assert!(matches!(error(Base, &request("Hi")), TextError::NeedsReferenceVoice));
    assert!(matches!(error(CustomVoice, &cloned), TextError::NoCloning { .. }));
    let continued = PromptRequest { reference, ..request("Hi") };
    assert!(matches!(error(VoiceDesign, &continued), TextError::NoCloning { .. }));
    assert!(matches!(error(Base, &instructed), TextError::InstructNotSupported { .. }));
}

#[test]
fn blank_texts_are_refused() {
    for trim in [true, false] {
        for text in ["", " ", "\n\t\u{3000}"] {
            let options = TextOptions { trim, ..TextOptions::default() };
            let request = PromptRequest { options, ..request(text) };
            let error = error(CustomVoice, &request);
            assert!(matches!(error, TextError::Empty { part: TextPart::Text }), "{text:?}");
        }
    }
}

#[test]
fn a_reference_needs_words_and_frames() {
    let with = |transcript, frames| PromptRequest {
        speaker: Speaker::Embedding,
        reference: Some(Reference { transcript, frames }),
        ..request("Hi")
    };
    let blank = error(Base, &with(" ", 3));
    assert!(matches!(blank, TextError::Empty { part: TextPart::Transcript }));
    assert!(matches!(error(Base, &with("Ho", 0)), TextError::NoReferenceFrames));
    let endless = error(Base, &with("Ho", usize::MAX));
    assert!(matches!(endless, TextError::PromptTooLong { positions: usize::MAX, limit: 32768 }));
}

#[test]
fn long_texts_are_refused_before_they_are_tokenised() {
    let model = Model::of_kind(CustomVoice);
    let text = "x".repeat(1 << 20);
    let started = Instant::now();
    let error = build_prompt(&model.tokenizer, &model.config, &request(&text));
    assert!(started.elapsed() < Duration::from_millis(100));
    assert_eq!(
        error.expect_err("a refusal").to_string(),
        "the text is 1048576 bytes long; at most 65536 are possible"
    );
}

#[test]
fn text_and_prompt_have_to_fit_into_the_positions() {
    let mut model = Model::of_kind(CustomVoice);
    model.config.talker_config.max_position_embeddings = 12;
    let attempt = |text, layout| {
        build_prompt(&model.tokenizer, &model.config, &PromptRequest::new(text, layout))
    };
    assert!(attempt("1,2", Layout::Streaming).is_ok());
    assert!(attempt("1,2", Layout::NonStreaming).is_ok());
    for layout in [Layout::Streaming, Layout::NonStreaming] {
        let error = attempt("1,2,3", layout).expect_err("a refusal");
        assert!(matches!(error, TextError::PromptTooLong { limit: 12, .. }), "{error}");
    }
    let error = attempt("1,2,3,4,5,6,7", Layout::Streaming).expect_err("a refusal");
    assert!(matches!(error, TextError::TextTooLong { size: 13, unit: "tokens", limit: 12, .. }));
}
