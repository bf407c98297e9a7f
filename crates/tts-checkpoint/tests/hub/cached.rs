use std::fs;

use tts_checkpoint::hub::HubError;
use tts_checkpoint::{Checkpoint, ModelFiles};

use super::server::{COMMIT, Fault, Server, etag};
use super::{Client, Log, assert_same_files, nowhere};

const NEXT_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_fetched_model_opens() {
    let server = Server::start();
    let client = Client::of(&server);
    let directory = client.fetch().unwrap();
    Checkpoint::open(ModelFiles::directory(directory).unwrap()).unwrap();
}

#[test]
fn the_cache_has_the_layout_of_the_hub() {
    let server = Server::start();
    let client = Client::of(&server);
    let directory = client.fetch().unwrap();
    assert_eq!(directory, client.repo().join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(client.repo().join("refs/main")).unwrap(), COMMIT);
    assert_same_files(&server, &directory);
    let file = "speech_tokenizer/config.json";
    let hash = etag(&server.content(file));
    assert!(client.blobs().contains(&hash));
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(directory.join(file)).unwrap(),
        std::path::Path::new("../../../blobs").join(hash)
    );
}

#[test]
fn only_files_of_the_model_are_asked_for_and_the_small_ones_first() {
    let server = Server::start();
    let client = Client::of(&server);
    let mut log = Log::default();
    let directory = client.fetch_at("main", &mut log).unwrap();
    let sizes: Vec<_> = log.files().into_iter().map(|file| server.content(file).len()).collect();
    assert_eq!(sizes.len(), tts_fixture::FILES.len());
    assert!(sizes.is_sorted(), "{:?}", log.files());
    for file in log.files() {
        let last = log.steps.iter().rfind(|(name, ..)| name == file).unwrap();
        let size = server.content(file).len() as u64;
        assert_eq!((last.1, last.2), (size, size), "{file}");
    }
    assert!(!directory.join("README.md").exists());
    assert!(!server.seen().iter().any(|seen| seen.path.contains("picture")));
}

#[test]
fn a_complete_cache_is_used_without_the_network() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let directory = client.fetch().unwrap();
    let requests = server.seen().len();
    assert_eq!(client.fetch().unwrap(), directory);
    assert_eq!(client.fetch_at(COMMIT, &mut Log::default()).unwrap(), directory);
    assert_eq!(server.seen().len(), requests);
    drop(server);
    assert_eq!(client.fetch().unwrap(), directory);
    client.config.offline = true;
    assert_eq!(client.fetch().unwrap(), directory);
}

#[test]
fn offline_the_missing_files_are_listed() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let directory = client.fetch().unwrap();
    let requests = server.seen().len();
    fs::remove_file(directory.join("speech_tokenizer/model.safetensors")).unwrap();
    client.config.offline = true;
    match client.fetch().unwrap_err() {
        HubError::NotCached { missing, .. } => {
            assert_eq!(missing, ["speech_tokenizer/model.safetensors"]);
        }
        other => panic!("{other}"),
    }
    let error = client.fetch_at("other", &mut Log::default()).unwrap_err();
    assert!(error.to_string().contains("config.json, vocab.json, merges.txt"), "{error}");
    assert_eq!(server.seen().len(), requests);
}

#[test]
fn a_lost_link_is_restored_from_the_blobs() {
    let server = Server::start();
    let client = Client::of(&server);
    let directory = client.fetch().unwrap();
    fs::remove_file(directory.join("model.safetensors")).unwrap();
    let mut log = Log::default();
    client.fetch_at("main", &mut log).unwrap();
    assert_eq!(log.files(), [""; 0]);
    assert_same_files(&server, &directory);
}

#[test]
fn files_that_are_no_links_count_as_well() {
    let server = Server::start();
    let client = Client::of(&server);
    let directory = client.fetch().unwrap();
    for (name, _) in tts_fixture::FILES {
        fs::remove_file(directory.join(name)).unwrap();
        fs::write(directory.join(name), server.content(name)).unwrap();
    }
    fs::remove_dir_all(client.repo().join("blobs")).unwrap();
    fs::remove_file(directory.join("vocab.json")).unwrap();
    let mut log = Log::default();
    client.fetch_at("main", &mut log).unwrap();
    assert_eq!(log.files(), ["vocab.json"]);
}

#[test]
fn a_model_without_the_optional_file_is_complete_once_the_hub_has_said_so() {
    let server = Server::start();
    server.remove("generation_config.json");
    let mut client = Client::of(&server);
    let directory = client.fetch().unwrap();
    let requests = server.seen().len();
    client.fetch().unwrap();
    assert_eq!(server.seen().len(), requests);

    // Another program has left no note about it.
    fs::remove_dir_all(client.repo().join(".no_exist")).unwrap();
    client.config.endpoint = nowhere();
    let mut log = Log::default();
    assert_eq!(client.fetch_at("main", &mut log).unwrap(), directory);
    assert!(log.notices[0].contains("using the cached model"), "{:?}", log.notices);
    client.config.offline = true;
    assert_eq!(client.fetch().unwrap(), directory);
}

#[test]
fn a_refresh_takes_what_has_changed_and_nothing_else() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let before = client.fetch().unwrap();
    let config = [server.content("generation_config.json"), b"\n".to_vec()].concat();
    server.put("generation_config.json", config.clone());
    server.push(NEXT_COMMIT);
    assert_eq!(client.fetch().unwrap(), before);

    client.config.refresh = true;
    let mut log = Log::default();
    let after = client.fetch_at("main", &mut log).unwrap();
    assert_eq!(after, client.repo().join("snapshots").join(NEXT_COMMIT));
    assert_eq!(log.files(), ["generation_config.json"]);
    assert_eq!(fs::read(after.join("generation_config.json")).unwrap(), config);
    assert_ne!(fs::read(before.join("generation_config.json")).unwrap(), config);
}

#[test]
fn a_refresh_without_network_or_with_an_ailing_hub_uses_the_cache_and_says_so() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let directory = client.fetch().unwrap();
    client.config.refresh = true;
    server.fail("GET", "api", [Fault::Status(503, "")]);
    let mut log = Log::default();
    assert_eq!(client.fetch_at("main", &mut log).unwrap(), directory);
    client.config.endpoint = nowhere();
    assert_eq!(client.fetch_at("main", &mut log).unwrap(), directory);
    assert_eq!(log.notices.len(), 2);
    assert!(log.notices[1].contains(&client.config.endpoint), "{:?}", log.notices);
}

#[test]
fn a_refresh_repairs_a_blob_that_has_lost_its_end() {
    let server = Server::start();
    let mut client = Client::of(&server);
    let directory = client.fetch().unwrap();
    let blob = client.repo().join("blobs").join(etag(&server.content("vocab.json")));
    fs::OpenOptions::new().write(true).open(blob).unwrap().set_len(10).unwrap();
    client.config.refresh = true;
    client.fetch().unwrap();
    assert_same_files(&server, &directory);
}

#[test]
fn shards_are_found_through_their_index() {
    let server = Server::start();
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    server.remove("model.safetensors");
    let index = format!(r#"{{"weight_map":{{"a":"{}","b":"{}"}}}}"#, shards[0], shards[1]);
    server.put("model.safetensors.index.json", index.into_bytes());
    server.put(shards[0], vec![1; 900_000]);
    server.put(shards[1], vec![2; 800_000]);
    let mut client = Client::of(&server);
    let mut log = Log::default();
    let directory = client.fetch_at("main", &mut log).unwrap();
    assert!(log.files().ends_with(&[shards[1], shards[0]]), "{:?}", log.files());

    fs::remove_file(directory.join(shards[1])).unwrap();
    client.config.offline = true;
    match client.fetch().unwrap_err() {
        HubError::NotCached { missing, .. } => assert_eq!(missing, [shards[1]]),
        other => panic!("{other}"),
    }
}

#[test]
fn an_index_that_names_files_elsewhere_is_refused() {
    for name in ["../../../config.json", "/etc/passwd", "a/b.safetensors", "..", ".", ""] {
        let server = Server::start();
        server.remove("model.safetensors");
        let index = format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#);
        server.put("model.safetensors.index.json", index.into_bytes());
        let error = Client::of(&server).fetch().unwrap_err();
        assert!(matches!(error, HubError::ShardIndex { .. }), "{name}: {error}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start();
    let client = Client::of(&server);
    fs::write(client.home.path().join("hub"), "a file where the cache should be").unwrap();
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::Cache { .. }), "{error}");
    assert!(error.to_string().contains("hub"), "{error}");
    assert!(server.seen().iter().all(|seen| seen.method == "GET"), "before anything is asked for");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_as_such() {
    let server = Server::start();
    let client = Client::of(&server);
    let hash = etag(&server.content("config.json"));
    let blobs = client.repo().join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{hash}.tts-incomplete"));
    std::os::unix::fs::symlink("/dev/full", partial).unwrap();
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::NoSpace { .. }), "{error}");
    assert!(!blobs.join(hash).exists());
}
