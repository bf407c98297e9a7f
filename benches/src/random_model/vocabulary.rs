use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tts_checkpoint::ModelConfig;

use super::weights::SplitMix64;

/// The tokenizer files of a model.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<u8>,
    pub(super) merges: Vec<u8>,
    pub(super) config: Vec<u8>,
}

/// Merges that lead to `assistant`, which has to be one token.
const ASSISTANT: [(&str, &str); 8] = [
    ("a", "s"),
    ("as", "s"),
    ("i", "s"),
    ("is", "t"),
    ("ass", "ist"),
    ("a", "n"),
    ("an", "t"),
    ("assist", "ant"),
];
/// The symbol of a space.
const SPACE: &str = "Ġ";
/// Characters of a token at most.
const LONGEST: usize = "assistant".len();

/// A byte-level vocabulary of as many tokens as the real one has, but of random
/// pieces of words: a text becomes about twice as many tokens.
pub(super) fn files(config: &ModelConfig) -> Result<Vocabulary> {
    let size = config.im_start_token_id.min(config.im_end_token_id) as usize - 1;
    let (mut tokens, merges) = tokens(size);
    if let Some(wanted) = config.assistant_token_id
        && let Some(found) = tokens.iter().position(|token| token == "assistant")
    {
        ensure!((wanted as usize) < size, "assistant_token_id {wanted}, expected less than {size}");
        tokens.swap(found, wanted as usize);
    }
    let ids: BTreeMap<&String, usize> = tokens.iter().zip(0..).collect();
    let rules = merges.iter().map(|(left, right)| format!("{left} {right}\n"));
    let added: BTreeMap<u32, Value> = [
        (config.im_start_token_id, "<|im_start|>"),
        (config.im_end_token_id, "<|im_end|>"),
        (config.tts_pad_token_id, "<tts_pad>"),
        (config.tts_bos_token_id, "<tts_text_bos>"),
        (config.tts_eos_token_id, "<tts_text_eod>"),
    ]
    .into_iter()
    .map(|(id, content)| (id, json!({ "content": content })))
    .collect();
    Ok(Vocabulary {
        tokens: serde_json::to_vec(&ids)?,
        merges: rules.collect::<String>().into_bytes(),
        config: serde_json::to_vec(&json!({ "added_tokens_decoder": added }))?,
    })
}

/// `size` tokens in the order of their ids and the merges that make them, strongest
/// first.
fn tokens(size: usize) -> (Vec<String>, Vec<(String, String)>) {
    let mut tokens: Vec<String> = byte_symbols().map(String::from).collect();
    let mut known: HashSet<String> = tokens.iter().cloned().collect();
    let mut merges = Vec::new();
    let mut pieces: Vec<String> = ('a'..='z').map(String::from).collect();
    let letters = pieces.clone();
    let starts = letters.iter().cloned().chain([SPACE.to_owned()]);
    let pairs =
        starts.flat_map(|left| letters.iter().map(move |right| (left.clone(), right.clone())));
    let words = ASSISTANT.map(|(left, right)| (left.to_owned(), right.to_owned()));
    let mut certain = words.into_iter().chain(pairs);
    let mut random = SplitMix64(0);
    while tokens.len() < size {
        let (left, right) = certain.next().unwrap_or_else(|| {
            // Short pieces come first, so they are in more tokens than long ones.
            let among = random.below(pieces.len()) + 1;
            let left = random.below(among);
            (pieces[left].clone(), letters[random.below(letters.len())].clone())
        });
        let joined = format!("{left}{right}");
        if joined.chars().count() > LONGEST || !known.insert(joined.clone()) {
            continue;
        }
        pieces.push(joined.clone());
        tokens.push(joined);
        merges.push((left, right));
    }
    (tokens, merges)
}

/// The symbols of the 256 bytes: printable characters stand for themselves, and come
/// first; the others get characters from 256 on.
fn byte_symbols() -> impl Iterator<Item = char> {
    let printable = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ');
    printable.chain('\u{100}'..='\u{143}')
}
