use std::time::{Duration, Instant};

use tts_checkpoint::hub::HubError;

use super::server::{Fault, Server, etag};
use super::{Client, Log, assert_same_files, nowhere};

const WEIGHTS: &str = "model.safetensors";
/// The weights of the model itself, not those of the codec.
const WEIGHTS_URL: &str = "0123456789abcdef0123456789abcdef01234567/model.safetensors";

/// The `Range` headers that ask for the file and then for the rest of it.
fn ranges(starts: &[usize]) -> Vec<Option<String>> {
    let rest = starts.iter().map(|start| Some(format!("bytes={start}-")));
    [None].into_iter().chain(rest).collect()
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, [Fault::Cut(150_000), Fault::Cut(100_000)]);
    let client = Client::of(&server);
    let mut log = Log::default();
    let directory = client.fetch_at("main", &mut log).unwrap();
    assert_same_files(&server, &directory);
    assert_eq!(server.ranges(WEIGHTS_URL), ranges(&[150_000, 250_000]));
    assert_eq!(log.notices.len(), 2);
    let done: Vec<_> = log.steps.iter().filter(|step| step.0 == WEIGHTS).map(|it| it.1).collect();
    assert!(done.is_sorted() && done.contains(&150_000), "{done:?}");
}

#[test]
fn a_later_run_continues_what_an_earlier_one_left() {
    let server = Server::start();
    let mut client = Client::of(&server);
    client.config.retries = 0;
    server.fail("GET", WEIGHTS, [Fault::Cut(123_456)]);
    match client.fetch().unwrap_err() {
        HubError::Cut { file, done, total, .. } => {
            let size = server.content(WEIGHTS).len() as u64;
            assert_eq!((file.as_str(), done, total), (WEIGHTS, 123_456, size));
        }
        other => panic!("{other}"),
    }
    assert!(!client.blobs().contains(&etag(&server.content(WEIGHTS))));
    assert!(!client.repo().join("refs/main").exists());

    let mut log = Log::default();
    let directory = client.fetch_at("main", &mut log).unwrap();
    assert_same_files(&server, &directory);
    assert_eq!(server.ranges(WEIGHTS_URL), ranges(&[123_456]));
    assert_eq!(log.steps[0].1, 123_456);
    assert!(!client.blobs().iter().any(|name| name.ends_with("incomplete")));
}

#[test]
fn breaks_that_bring_nothing_end_after_the_retries() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, vec![Fault::Cut(0); 10]);
    let client = Client::of(&server);
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::Cut { done: 0, .. }), "{error}");
    assert_eq!(server.ranges(WEIGHTS_URL).len(), 3);
}

#[test]
fn a_server_that_sends_everything_again_does_not_spoil_the_file() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, [Fault::Cut(100_000), Fault::IgnoreRange]);
    let client = Client::of(&server);
    assert_same_files(&server, &client.fetch().unwrap());
}

#[test]
fn another_part_than_asked_for_is_not_appended() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, [Fault::Cut(100_000), Fault::WrongRange]);
    let client = Client::of(&server);
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("from 100000"), "{error}");
    assert_same_files(&server, &client.fetch().unwrap());
}

#[test]
fn another_size_than_announced_is_never_put_in_place() {
    for fault in [Fault::Longer(1), Fault::Longer(-1), Fault::Overflow] {
        let server = Server::start();
        server.fail("GET", WEIGHTS, [fault.clone()]);
        let client = Client::of(&server);
        let error = client.fetch().unwrap_err();
        assert!(matches!(error, HubError::WrongSize { .. }), "{fault:?}: {error}");
        assert!(error.to_string().contains(WEIGHTS), "{error}");
        assert!(!client.blobs().contains(&etag(&server.content(WEIGHTS))), "{fault:?}");
        // The server has recovered: nothing of the wrong file is left.
        assert_same_files(&server, &client.fetch().unwrap());
        assert_eq!(server.ranges(WEIGHTS_URL), [None, None]);
    }
}

#[test]
fn a_change_of_size_in_the_middle_is_noticed() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, [Fault::Cut(100_000), Fault::Longer(5)]);
    let error = Client::of(&server).fetch().unwrap_err();
    assert!(matches!(error, HubError::WrongSize { .. }), "{error}");
}

#[test]
fn content_is_compared_with_its_hash_where_the_hub_gives_it() {
    const OF_ANOTHER: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let server = Server::with_files([("config.json", b"{}".to_vec())]);
    for (name, _) in tts_fixture::FILES {
        server.put(name, b"{}".to_vec());
    }
    let client = Client::of(&server);
    let right = "ETag: \"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"\r\nContent-Length: 2";
    let wrong = "ETag: \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\r\nContent-Length: 2";
    server.fail("HEAD", "config.json", [Fault::Headers(wrong), Fault::Headers(right)]);
    match client.fetch().unwrap_err() {
        HubError::WrongContent { file, expected, .. } => {
            assert_eq!((file.as_str(), expected.as_str()), ("config.json", OF_ANOTHER));
        }
        other => panic!("{other}"),
    }
    assert_eq!(client.blobs(), [""; 0]);
    client.fetch().unwrap();
}

#[test]
fn a_slow_start_is_waited_for_and_silence_is_not() {
    let server = Server::start();
    let mut client = Client::of(&server);
    server.fail("GET", "api", [Fault::Silence(Duration::from_millis(300))]);
    server.fail("GET", "vocab.json", [Fault::Silence(Duration::from_millis(300))]);
    client.fetch().unwrap();

    client.config.refresh = true;
    client.config.timeout = Duration::from_millis(200);
    client.config.cache = client.home.path().join("another");
    server.fail("GET", "api", [Fault::Silence(Duration::from_secs(4))]);
    let start = Instant::now();
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::NoNetwork { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn an_ailing_hub_is_asked_again() {
    let server = Server::start();
    server.fail("HEAD", "vocab.json", [Fault::Status(429, "")]);
    server.fail("GET", "vocab.json", [Fault::Status(503, ""), Fault::Status(500, "")]);
    let client = Client::of(&server);
    assert_same_files(&server, &client.fetch().unwrap());

    let client = Client::of(&server);
    server.fail("GET", "vocab.json", vec![Fault::Status(503, ""); 3]);
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::Status { status: 503, .. }), "{error}");
}

#[test]
fn without_network_the_endpoint_is_named() {
    let server = Server::start();
    let mut client = Client::of(&server);
    client.config.endpoint = nowhere();
    let error = client.fetch().unwrap_err();
    assert!(matches!(error, HubError::NoNetwork { .. }), "{error}");
    assert!(error.to_string().contains(&client.config.endpoint), "{error}");
}

#[test]
fn two_downloads_of_the_same_model_do_not_disturb_each_other() {
    let server = Server::start();
    server.fail("GET", WEIGHTS, [Fault::Silence(Duration::from_millis(300))]);
    let client = Client::of(&server);
    std::thread::scope(|scope| {
        let runs = [0; 3].map(|_| scope.spawn(|| client.fetch().unwrap()));
        for run in runs {
            assert_same_files(&server, &run.join().unwrap());
        }
    });
    assert_eq!(server.ranges(WEIGHTS_URL), ranges(&[]));
}
