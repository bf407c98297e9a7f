//! What the figures depend on.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::html::Text;

/// What comes first; what is not named follows.
const ORDER: [&str; 15] = [
    "model",
    "model_fingerprint",
    "dtype",
    "device",
    "gpus",
    "cpu",
    "cores",
    "threads",
    "governor",
    "commit",
    "rustc",
    "profiling",
    "seed",
    "batch",
    "frames",
];

pub(super) fn section(environment: &Map<String, Value>) -> String {
    let mut entries: Vec<_> = environment.iter().collect();
    entries.sort_by_key(|(key, _)| {
        (ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()), key.as_str())
    });
    let mut html = String::from("<dl class=\"environment\">\n");
    for (key, value) in entries {
        let key = key.replace('_', " ");
        _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", Text(key), Text(plain(value)));
    }
    html.push_str("</dl>\n");
    html
}

/// The run in a few words.
pub(super) fn name(environment: &Map<String, Value>) -> String {
    let text = |key: &str| environment.get(key).map(plain).unwrap_or_default();
    let threads = text("threads");
    let threads = if threads == "1" { "1 thread".into() } else { format!("{threads} threads") };
    let words = [text("model"), text("dtype"), text("device"), threads, text("commit")];
    words.join(" · ")
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("; "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn known_values_come_first_and_none_is_lost() {
        let html = section(&map(json!({
            "frames": null, "added_later": [1, 2], "seed": 4, "gpus": [], "model": "a & b",
        })));
        let terms: Vec<_> = html.lines().filter_map(|line| line.strip_prefix("<div>")).collect();
        assert_eq!(
            terms,
            [
                "<dt>model</dt><dd>a &amp; b</dd></div>",
                "<dt>gpus</dt><dd>none</dd></div>",
                "<dt>seed</dt><dd>4</dd></div>",
                "<dt>frames</dt><dd>–</dd></div>",
                "<dt>added later</dt><dd>1; 2</dd></div>",
            ]
        );
    }

    #[test]
    fn a_run_has_a_name() {
        let environment =
            json!({"model": "m", "dtype": "f32", "device": "cpu", "threads": 1, "commit": "c"});
        assert_eq!(name(&map(environment)), "m · f32 · cpu · 1 thread · c");
    }
}
