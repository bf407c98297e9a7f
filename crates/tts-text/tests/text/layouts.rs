//! Position tables and prompt lengths of `docs/model.md`, section 5.

use crate::common::{Model, rows};
use tts_checkpoint::ModelKind;
use tts_text::CodecInput::{Id, None as Nothing, ReferenceFrame, SpeakerEmbedding};
use tts_text::{Layout, Prompt, PromptRequest, PromptWarning, Reference, Speaker, build_prompt};

/// Five tokens of the fixture vocabulary, which merges none of them.
const FIVE: &str = "1,2,3";
const THREE: &str = "4,5";

// Ids of the fixture configuration.
const START: u32 = 497;
const ASSISTANT: u32 = 265;
const NEWLINE: u32 = 198;
const TEXT_PAD: u32 = 524;
const TEXT_BOS: u32 = 525;
const TEXT_EOS: u32 = 526;
const PAD: u32 = 164;
const BOS: u32 = 165;
const THINK: u32 = 170;
const NOTHINK: u32 = 171;
const THINK_BOS: u32 = 172;
const THINK_EOS: u32 = 173;
const ENGLISH: u32 = 66;
const SICHUAN: u32 = 78;
const RYAN: u32 = 1077;
const BODY: [u32; 5] = [16, 11, 17, 11, 18];

fn request<'a>(speaker: &'a str, language: &'a str, layout: Layout) -> PromptRequest<'a> {
    PromptRequest {
        language: Some(language),
        speaker: Speaker::Named(speaker),
        ..PromptRequest::new(FIVE, layout)
    }
}

fn cloned(reference: Option<Reference<'_>>, layout: Layout) -> PromptRequest<'_> {
    PromptRequest {
        language: Some("English"),
        speaker: Speaker::Embedding,
        reference,
        ..PromptRequest::new(FIVE, layout)
    }
}

fn build(kind: ModelKind, request: &PromptRequest<'_>) -> Prompt {
    let model = Model::of_kind(kind);
    build_prompt(&model.tokenizer, &model.config, request).expect("a prompt")
}

#[test]
fn streaming_table() {
    let prompt = build(ModelKind::CustomVoice, &request("Ryan", "English", Layout::Streaming));
    let expected = [
        (START, Nothing),
        (ASSISTANT, Nothing),
        (NEWLINE, Nothing),
        (TEXT_PAD, Id(THINK)),
        (TEXT_PAD, Id(THINK_BOS)),
        (TEXT_PAD, Id(ENGLISH)),
        (TEXT_PAD, Id(THINK_EOS)),
        (TEXT_PAD, Id(RYAN)),
        (TEXT_BOS, Id(PAD)),
        (BODY[0], Id(BOS)),
    ];
    assert_eq!(rows(&prompt, 0), expected);
    assert_eq!(prompt.trailing, [BODY[1], BODY[2], BODY[3], BODY[4], TEXT_EOS]);
    assert_eq!(prompt.language.as_deref(), Some("english"));
}

#[test]
fn non_streaming_table() {
    let prompt = build(ModelKind::CustomVoice, &request("ryan", "ENGLISH", Layout::NonStreaming));
    let mut expected: Vec<_> = BODY.iter().map(|&id| (id, Id(PAD))).collect();
    expected.extend([(TEXT_EOS, Id(PAD)), (TEXT_PAD, Id(BOS))]);
    assert_eq!(rows(&prompt, 9), expected);
    assert!(prompt.trailing.is_empty());
}

#[test]
fn voice_design_table() {
    let request = PromptRequest {
        instruct: Some("A low voice."),
        ..PromptRequest::new(FIVE, Layout::NonStreaming)
    };
    let prompt = build(ModelKind::VoiceDesign, &request);
    let instruct = prompt.instruct_ids.clone().expect("an instruction");
    let mut expected: Vec<_> = instruct.iter().map(|&id| (id, Nothing)).collect();
    expected.extend([START, ASSISTANT, NEWLINE].map(|id| (id, Nothing)));
    expected.extend([NOTHINK, THINK_BOS, THINK_EOS].map(|id| (TEXT_PAD, Id(id))));
    expected.push((TEXT_BOS, Id(PAD)));
    assert_eq!(rows(&prompt, 0)[..instruct.len() + 7], expected);
    assert_eq!(prompt.language, None);
}

#[test]
fn lengths_and_dialects() {
    for (speaker, language, layout, length, resolved) in [
        ("ryan", "English", Layout::NonStreaming, 16, Some("english")),
        ("eric", "Auto", Layout::Streaming, 10, Some("sichuan_dialect")),
        ("ryan", "Auto", Layout::Streaming, 9, None),
        ("eric", "English", Layout::Streaming, 10, Some("english")),
        ("dylan", "Chinese", Layout::NonStreaming, 16, Some("beijing_dialect")),
        ("vivian", "Chinese", Layout::NonStreaming, 16, Some("chinese")),
        ("", "auto", Layout::NonStreaming, 14, None),
    ] {
        let prompt = build(ModelKind::CustomVoice, &request(speaker, language, layout));
        assert_eq!(prompt.positions.len(), length, "{speaker} {language}");
        assert_eq!(prompt.language.as_deref(), resolved, "{speaker} {language}");
    }
    let prompt = build(ModelKind::CustomVoice, &request("eric", "auto", Layout::Streaming));
    assert_eq!(rows(&prompt, 0)[5], (TEXT_PAD, Id(SICHUAN)));
}

#[test]
fn a_cloned_voice_is_a_row_of_its_own() {
    let prompt = build(ModelKind::Base, &cloned(None, Layout::Streaming));
    assert_eq!(prompt.positions.len(), 10);
    assert_eq!(rows(&prompt, 0)[7], (TEXT_PAD, SpeakerEmbedding));
    assert_eq!(prompt.trailing.len(), 5);
    assert_eq!(prompt.reference_ids, None);
}

#[test]
fn a_reference_is_laid_beside_the_text() {
    let reference = |frames| Some(Reference { transcript: THREE, frames });
    for (frames, layout, length, trailing) in [
        (4, Layout::Streaming, 14, 4),
        (7, Layout::Streaming, 17, 1),
        (8, Layout::Streaming, 18, 0),
        (40, Layout::Streaming, 50, 0),
        (4, Layout::NonStreaming, 23, 0),
    ] {
        let prompt = build(ModelKind::Base, &cloned(reference(frames), layout));
        assert_eq!(prompt.positions.len(), length, "{frames} {layout:?}");
        assert_eq!(prompt.trailing.len(), trailing, "{frames} {layout:?}");
    }
    let transcript = [19, 11, 20];
    let prompt = build(ModelKind::Base, &cloned(reference(4), Layout::Streaming));
    let expected = [
        (transcript[0], Id(BOS)),
        (transcript[1], ReferenceFrame(0)),
        (transcript[2], ReferenceFrame(1)),
        (BODY[0], ReferenceFrame(2)),
        (BODY[1], ReferenceFrame(3)),
    ];
    assert_eq!(rows(&prompt, 9), expected);
    assert_eq!(prompt.trailing, [BODY[2], BODY[3], BODY[4], TEXT_EOS]);
    let template = [START, ASSISTANT, NEWLINE, 19, 11, 20, 498, NEWLINE];
    assert_eq!(prompt.reference_ids.as_deref(), Some(template.as_slice()));

    let prompt = build(ModelKind::Base, &cloned(reference(2), Layout::NonStreaming));
    let mut expected: Vec<_> = transcript.iter().chain(&BODY).map(|&id| (id, Id(PAD))).collect();
    expected.push((TEXT_EOS, Id(PAD)));
    expected.extend([Id(BOS), ReferenceFrame(0), ReferenceFrame(1)].map(|code| (TEXT_PAD, code)));
    assert_eq!(rows(&prompt, 9), expected);
}

#[test]
fn the_head_is_what_other_texts_share() {
    for layout in [Layout::Streaming, Layout::NonStreaming] {
        let references = [None, Some(1), Some(40)]
            .map(|frames| frames.map(|frames| Reference { transcript: THREE, frames }));
        let cloned = references.map(|reference| (ModelKind::Base, cloned(reference, layout)));
        let named = (ModelKind::CustomVoice, request("ryan", "english", layout));
        for (kind, request) in cloned.into_iter().chain([named]) {
            let first = build(kind, &request);
            let other = build(kind, &PromptRequest { text: "3,2,1", ..request });
            let shared = first.positions.iter().zip(&other.positions).take_while(|(a, b)| a == b);
            assert_eq!((first.head, other.head), (shared.count(), first.head), "{request:?}");
        }
    }
}

#[test]
fn small_models_drop_the_instruction() {
    let mut model = Model::open("custom_voice_a");
    let request =
        PromptRequest { instruct: Some("Slowly."), ..request("ryan", "auto", Layout::Streaming) };
    let kept = build_prompt(&model.tokenizer, &model.config, &request).expect("a prompt");
    assert!(kept.instruct_ids.is_some() && kept.warnings.is_empty());
    model.config.tts_model_size = "0b6".to_owned();
    let dropped = build_prompt(&model.tokenizer, &model.config, &request).expect("a prompt");
    assert_eq!(dropped.instruct_ids, None);
    assert_eq!(dropped.warnings, [PromptWarning::InstructDropped]);
    assert_eq!(dropped.positions.len(), 9);
}

#[test]
fn trimming_keeps_the_role_whole() {
    let padded =
        PromptRequest { text: "\n\n1,2,3 \n", ..request("ryan", "English", Layout::Streaming) };
    let plain = request("ryan", "English", Layout::Streaming);
    assert_eq!(build(ModelKind::CustomVoice, &padded), build(ModelKind::CustomVoice, &plain));
}
