use std::ffi::OsString;
use std::path::Path;

use tts_checkpoint::hub::{Hub, HubConfig, HubError, Token};

fn config(vars: &[(&str, &str)]) -> Result<HubConfig, HubError> {
    HubConfig::from_vars(|name| {
        let found = vars.iter().find(|(var, _)| *var == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

#[test]
fn without_variables_there_are_the_defaults_of_the_hub() {
    let config = config(&[("HOME", "/no/home")]).unwrap();
    assert_eq!(config.cache, Path::new("/no/home/.cache/huggingface/hub"));
    assert_eq!(config.endpoint, "https://huggingface.co");
    assert_eq!(config.token, None);
    assert!(!config.offline);
}

#[test]
fn the_cache_is_where_the_most_specific_variable_says() {
    let vars = [
        ("HF_HUB_CACHE", "/c", "/c"),
        ("HF_HOME", "/h", "/h/hub"),
        ("XDG_CACHE_HOME", "/x", "/x/huggingface/hub"),
        ("HOME", "/u", "/u/.cache/huggingface/hub"),
    ];
    for first in 0..vars.len() {
        let set: Vec<_> = vars[first..].iter().map(|&(name, value, _)| (name, value)).collect();
        assert_eq!(config(&set).unwrap().cache, Path::new(vars[first].2));
    }
    let set = [("HF_HUB_CACHE", ""), ("HF_HOME", "~/models"), ("HOME", "/u")];
    assert_eq!(config(&set).unwrap().cache, Path::new("/u/models/hub"));
    assert!(matches!(config(&[]), Err(HubError::NoCacheDirectory)));
}

#[test]
fn the_token_comes_from_its_variable_or_from_the_token_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap();
    assert_eq!(config(&[("HF_HOME", path)]).unwrap().token, None);

    std::fs::write(home.path().join("token"), "hf_file\n").unwrap();
    assert_eq!(config(&[("HF_HOME", path)]).unwrap().token, Some(token("hf_file")));
    let set = [("HF_HOME", path), ("HF_TOKEN", " hf_variable ")];
    assert_eq!(config(&set).unwrap().token, Some(token("hf_variable")));

    let other = home.path().join("other");
    std::fs::write(&other, "hf_other").unwrap();
    let set = [("HF_HOME", path), ("HF_TOKEN_PATH", other.to_str().unwrap())];
    assert_eq!(config(&set).unwrap().token, Some(token("hf_other")));
    let set = [("HF_HOME", "/h"), ("HF_TOKEN_PATH", path)];
    assert!(matches!(config(&set), Err(HubError::TokenFile { .. })));
}

#[test]
fn tokens_that_cannot_be_sent_are_refused_and_none_is_shown() {
    for text in ["", "two words", "line\nbreak", "hf_ö"] {
        assert!(matches!(Token::new(text), Err(HubError::InvalidToken)), "{text:?}");
    }
    let set = [("HF_HOME", "/h"), ("HF_TOKEN", "hf_secret")];
    assert!(!format!("{:?}", config(&set).unwrap()).contains("secret"));
}

#[test]
fn offline_is_switched_on_by_the_words_for_yes() {
    for (value, expected) in
        [("1", true), ("ON", true), ("yes", true), ("True", true), ("0", false), ("", false)]
    {
        let set = [("HF_HOME", "/h"), ("HF_HUB_OFFLINE", value)];
        assert_eq!(config(&set).unwrap().offline, expected, "{value:?}");
    }
}

#[test]
fn endpoints_that_are_no_web_address_are_refused() {
    let set = [("HF_HOME", "/h"), ("HF_ENDPOINT", "https://mirror.example/hub/")];
    assert!(Hub::new(config(&set).unwrap()).is_ok());
    for endpoint in ["mirror.example", "ftp://mirror.example", "https://", "http://a b"] {
        let set = [("HF_HOME", "/h"), ("HF_ENDPOINT", endpoint)];
        let error = Hub::new(config(&set).unwrap()).err();
        assert!(matches!(error, Some(HubError::InvalidEndpoint { .. })), "{endpoint}: {error:?}");
    }
}
