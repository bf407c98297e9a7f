use tts_checkpoint::hub::{HubError, Token};

use super::server::{Fault, Server};
use super::{Client, Log, assert_same_files};

const TOKEN: &str = "hf_secret";

fn with_token(server: &Server) -> Client {
    let mut client = Client::of(server);
    client.config.token = Some(Token::new(TOKEN).unwrap());
    client
}

#[test]
fn an_unknown_repository_is_named_and_the_token_is_mentioned() {
    // The hub answers 401 in place of 404 to those it does not know.
    for fault in [
        Fault::Status(404, ""),
        Fault::Status(404, "RepoNotFound"),
        Fault::Status(401, "RepoNotFound"),
    ] {
        let server = Server::start();
        server.fail("GET", "api", [fault]);
        let error = Client::of(&server).fetch().unwrap_err();
        assert!(matches!(error, HubError::NoSuchRepo { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("org/model") && message.contains("HF_TOKEN"), "{message}");
    }
}

#[test]
fn an_unknown_revision_is_named() {
    let server = Server::start();
    server.fail("GET", "api", [Fault::Status(404, "RevisionNotFound")]);
    let error = Client::of(&server).fetch_at("v2", &mut Log::default()).unwrap_err();
    assert!(matches!(error, HubError::NoSuchRevision { .. }), "{error}");
    assert!(error.to_string().contains("v2"), "{error}");
}

#[test]
fn a_refusal_says_whether_a_token_is_missing_or_not_good_enough() {
    for status in [401, 403] {
        // A gated repository shows its listing to everybody.
        for (method, file) in [("GET", "api"), ("HEAD", "config.json"), ("GET", "config.json")] {
            let server = Server::start();
            server.fail(method, file, vec![Fault::Status(status, "GatedRepo"); 2]);
            let error = Client::of(&server).fetch().unwrap_err();
            assert!(matches!(error, HubError::TokenNeeded { .. }), "{method} {file}: {error}");
            let error = with_token(&server).fetch().unwrap_err();
            assert!(matches!(error, HubError::TokenRefused { .. }), "{method} {file}: {error}");
            assert!(!error.to_string().contains(TOKEN));
        }
    }
}

#[test]
fn a_refusal_is_not_hidden_by_the_cache() {
    let server = Server::start();
    let mut client = Client::of(&server);
    client.fetch().unwrap();
    client.config.refresh = true;
    server.fail("GET", "api", [Fault::Status(401, "")]);
    assert!(matches!(client.fetch(), Err(HubError::TokenNeeded { .. })));
}

#[test]
fn the_token_is_sent_with_every_request() {
    let server = Server::start();
    with_token(&server).fetch().unwrap();
    let expected = Some(format!("Bearer {TOKEN}"));
    assert!(server.seen().iter().all(|seen| seen.authorization == expected));

    let server = Server::start();
    Client::of(&server).fetch().unwrap();
    assert!(server.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn the_token_stays_with_the_hub_when_it_redirects_to_its_storage() {
    let (server, storage) = (Server::start(), Server::start());
    let target = format!("{}/storage/model.safetensors?signature=abc", storage.endpoint());
    storage.put("model.safetensors?signature=abc", server.content("model.safetensors"));
    let redirect = Fault::Redirect(target);
    server.fail("HEAD", "model.safetensors", [redirect.clone()]);
    server.fail("GET", "model.safetensors", vec![redirect; 2]);
    storage.fail("GET", "model.safetensors?signature=abc", [Fault::Cut(1000)]);
    let client = with_token(&server);
    assert_same_files(&server, &client.fetch().unwrap());
    let seen = storage.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    assert_eq!(seen[1].range.as_deref(), Some("bytes=1000-"));
}

#[test]
fn a_link_to_the_storage_that_has_expired_is_replaced() {
    let (server, storage) = (Server::start(), Server::start());
    let redirect = Fault::Redirect(format!("{}/storage/vocab.json", storage.endpoint()));
    server.fail("GET", "vocab.json", vec![redirect; 2]);
    storage.fail("GET", "vocab.json", [Fault::Status(403, "")]);
    assert_same_files(&server, &with_token(&server).fetch().unwrap());
}

#[test]
fn a_redirect_within_the_hub_keeps_the_token() {
    let server = Server::start();
    let target = "/storage/vocab.json".to_owned();
    server.fail("GET", "vocab.json", [Fault::Redirect(target)]);
    with_token(&server).fetch().unwrap();
    let seen = server.seen();
    let moved = seen.iter().find(|seen| seen.path == "/storage/vocab.json").unwrap();
    assert_eq!(moved.authorization, Some(format!("Bearer {TOKEN}")));
}

#[test]
fn redirects_in_a_circle_end() {
    let server = Server::start();
    let url = "/org/model/resolve/main/vocab.json".to_owned();
    server.fail("GET", "vocab.json", vec![Fault::Redirect(url); 50]);
    let error = Client::of(&server).fetch().unwrap_err();
    assert!(matches!(error, HubError::Protocol { .. }), "{error}");
}

#[test]
fn a_repository_that_is_no_model_is_refused_before_the_download() {
    let server = Server::start();
    server.remove("model.safetensors");
    server.remove("speech_tokenizer/config.json");
    match Client::of(&server).fetch().unwrap_err() {
        HubError::NotAModel { missing, .. } => {
            assert_eq!(missing, ["speech_tokenizer/config.json", "model.safetensors"]);
        }
        other => panic!("{other}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn answers_that_no_hub_gives_are_refused() {
    for headers in [
        "ETag: \"../../evil\"\r\nContent-Length: 2",
        "ETag: \".hidden\"\r\nContent-Length: 2",
        "ETag: \"\"\r\nContent-Length: 2",
        "Content-Length: 2",
        "ETag: \"abc\"\r\nTransfer-Encoding: chunked",
    ] {
        let server = Server::start();
        server.fail("HEAD", "config.json", [Fault::Headers(headers)]);
        let client = Client::of(&server);
        let error = client.fetch().unwrap_err();
        assert!(matches!(error, HubError::Protocol { .. }), "{headers:?}: {error}");
        assert_eq!(client.blobs(), [""; 0]);
    }
    for commit in ["../../../../evil", "", "0123"] {
        let server = Server::start();
        server.push(commit);
        let error = Client::of(&server).fetch().unwrap_err();
        assert!(matches!(error, HubError::Protocol { .. }), "{commit:?}: {error}");
    }
}
