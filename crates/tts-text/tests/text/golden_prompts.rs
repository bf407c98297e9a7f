//! Every recorded generation of the reference implementation: its ids and the
//! lengths of its prompt and trailing text.

use std::collections::HashMap;

use crate::common::{Model, ids, json};
use serde_json::Value;
use tts_text::{Layout, Literals, Prompt, PromptRequest, Speaker, TextOptions, build_prompt};

/// A value of a batch: a list holds one for each item, anything else is for all.
fn item<'a>(case: &'a Value, field: &str, index: usize) -> Option<&'a str> {
    match &case[field] {
        Value::Array(items) => items[index].as_str(),
        value => value.as_str(),
    }
}

fn build(model: &Model, case: &Value, index: usize) -> Prompt {
    let streaming = case["non_streaming_mode"] == false;
    let request = PromptRequest {
        language: item(case, "language", index),
        speaker: item(case, "speaker", index).map_or(Speaker::None, Speaker::Named),
        instruct: item(case, "instruct", index),
        options: TextOptions { trim: false, literals: Literals::Special },
        ..PromptRequest::new(
            item(case, "text", index).expect("a text"),
            if streaming { Layout::Streaming } else { Layout::NonStreaming },
        )
    };
    build_prompt(&model.tokenizer, &model.config, &request).expect("a prompt")
}

fn length(case: &Value, tensor: &str) -> usize {
    let (_, shape): (String, Vec<usize>) =
        serde_json::from_value(case["tensors"][tensor].clone()).expect(tensor);
    shape[1]
}

/// The recorded ids, by the string they come from.
fn recorded(case: &Value) -> HashMap<String, Vec<u32>> {
    let prompts = case["prompts"].as_array().expect("prompts");
    let entry = |p: &Value| (p["text"].as_str().expect("a text").to_owned(), ids(&p["ids"]));
    prompts.iter().map(entry).collect()
}

fn compare(model: &Model, case: &Value) {
    let id = case["id"].as_str().expect("an id");
    let batch = case["text"].as_array().map_or(1, Vec::len);
    let recorded = recorded(case);
    let prompts: Vec<_> = (0..batch).map(|index| build(model, case, index)).collect();
    for (index, prompt) in prompts.iter().enumerate() {
        let text = item(case, "text", index).unwrap_or_default();
        let wrapped = format!("<|im_start|>assistant\n{text}<|im_end|>\n<|im_start|>assistant\n");
        assert_eq!(prompt.text_ids, recorded[&wrapped], "{id}");
        let instruct = item(case, "instruct", index).unwrap_or_default();
        let wrapped = format!("<|im_start|>user\n{instruct}<|im_end|>\n");
        let expected = recorded.get(&wrapped).filter(|_| prompt.warnings.is_empty());
        assert_eq!(prompt.instruct_ids.as_ref(), expected, "{id}");
    }
    let longest = prompts.iter().map(|prompt| prompt.positions.len()).max();
    assert_eq!(longest, Some(length(case, "prompt_embeds")), "{id}");
    let longest = prompts.iter().map(|prompt| prompt.trailing.len().max(1)).max();
    assert_eq!(longest, Some(length(case, "trailing_text")), "{id}");
}

#[test]
fn ids_and_lengths_are_those_of_the_reference() {
    let manifest = json("manifest.json");
    let mut models = HashMap::new();
    let mut compared = 0;
    for case in manifest["cases"].as_array().expect("cases") {
        if case["kind"] != "generate" || case["api"] == "voice_clone" {
            continue;
        }
        let checkpoint = case["checkpoint"].as_str().expect("a checkpoint");
        let model = models.entry(checkpoint).or_insert_with(|| Model::open(checkpoint));
        compare(model, case);
        compared += 1;
    }
    assert!(compared >= 10, "{compared} cases");
}
