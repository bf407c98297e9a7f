use tts_checkpoint::hub::{HubError, RepoId};

use super::server::Server;
use super::{Client, Log};

#[test]
fn names_of_repositories_are_those_the_hub_allows() {
    for id in ["Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", "a/b", "_x/y_", "A-b.c_1/2.0"] {
        assert_eq!(RepoId::parse(id).unwrap().to_string(), id);
    }
    let long = format!("org/{}", "x".repeat(97));
    for id in [
        "",
        "model",
        "/",
        "a/",
        "/b",
        "./dir",
        "../dir",
        "/absolute/model",
        "a/b/c",
        "a b/c",
        "a/b\n",
        "a\\b/c",
        "~/model",
        "a/.b",
        "a/b-",
        "-a/b",
        "a--b/c",
        "a/b..c",
        "a/b.git",
        "ö/b",
        &long,
    ] {
        assert!(matches!(RepoId::parse(id), Err(HubError::InvalidRepoId { .. })), "{id:?}");
    }
}

#[test]
fn revisions_cannot_leave_the_directory_of_the_repository() {
    let server = Server::start();
    let client = Client::of(&server);
    for revision in ["", "..", "../../x", "/etc", "a//b", "a/../b", "a b", "a?b", "a\\b", "-x"] {
        let error = client.fetch_at(revision, &mut Log::default()).unwrap_err();
        assert!(matches!(error, HubError::InvalidRevision { .. }), "{revision:?}: {error}");
    }
    assert_eq!(server.seen(), []);
}

#[test]
fn a_branch_may_have_a_slash_in_its_name() {
    let server = Server::start();
    let client = Client::of(&server);
    client.fetch_at("refs/pr/1", &mut Log::default()).unwrap();
    assert_eq!(server.seen()[0].path, "/api/models/org/model/revision/refs%2Fpr%2F1");
    assert!(client.repo().join("refs/refs/pr/1").is_file());
}
