//! The asynchronous stream: the same samples, held back by its reader, gone when
//! dropped.
#![cfg(feature = "async")]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::Device;
use futures_core::Stream;
use tts::{AsyncSpeech, Chunk, ChunkSchedule, Model, ModelFiles, Request, TtsError, Voice};

fn next(stream: &mut AsyncSpeech) -> Option<Result<Chunk, TtsError>> {
    pollster::block_on(poll_fn(|context| Pin::new(&mut *stream).poll_next(context)))
}

fn setup() -> (Arc<Model>, Request) {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    let model = Arc::new(Model::load(files, &Device::Cpu).unwrap());
    let mut request = model.request("In the background.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 20;
    (model, request)
}

#[test]
fn it_gives_the_samples_of_the_utterance() {
    let (model, request) = setup();
    let whole = model.speak(&request).unwrap().audio.samples;
    let mut stream = AsyncSpeech::new(model, &request, ChunkSchedule::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(chunk) = next(&mut stream) {
        samples.extend(chunk.unwrap().samples);
    }
    assert_eq!(samples, whole);
}

#[test]
fn a_refused_request_starts_no_thread() {
    let (model, request) = setup();
    let blank = Request { text: " ".to_owned(), ..request };
    let refused = AsyncSpeech::new(model.clone(), &blank, ChunkSchedule::default());
    assert!(matches!(refused, Err(TtsError::Text(_))));
    assert_eq!(Arc::strong_count(&model), 1);
}

#[test]
fn a_reader_that_stops_holds_it_back_and_one_that_leaves_ends_it() {
    let (model, mut request) = setup();
    request.options.max_new_tokens = 8000;
    request.options.guard = tts::Guard::off();
    let mut stream = AsyncSpeech::new(model.clone(), &request, ChunkSchedule::constant(1)).unwrap();
    assert_eq!(next(&mut stream).unwrap().unwrap().first_frame, 0);
    assert_eq!(Arc::strong_count(&model), 2);
    drop(stream);
    let started = Instant::now();
    while Arc::strong_count(&model) > 1 {
        assert!(started.elapsed() < Duration::from_secs(20), "the thread goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
}
