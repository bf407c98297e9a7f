//! The spans of frames on a GPU, emulated: told kernel by kernel for whoever listens, or repeated.
#![cfg(feature = "profiling")]

use std::sync::{Arc, Mutex};

use candle_core::Device;
use tracing::{Id, Subscriber, span::Attributes};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tts::{ChunkSchedule, Model, ModelFiles, Voice};

/// Names of spans, in the order of opening.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber> Layer<S> for Names {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.0.lock().unwrap().push(attributes.metadata().name());
    }
}

#[test]
fn frames_have_their_stages_unless_they_are_to_be_repeated() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    tts_nn::emulate_gpu();
    // What is recorded at loading is no work that has times.
    let names = Names::default();
    let subscriber = tracing_subscriber::registry().with(names.clone());
    let model = tracing::subscriber::with_default(subscriber, || {
        Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap()
    });
    assert_eq!(*names.0.lock().unwrap(), ["load"]);
    let mut request = model.request("Here.", Voice::Speaker("ryan".to_owned()));
    request.options.talker.min_new_tokens = 5;
    request.options.max_new_tokens = 5;
    request.options.frames_per_read = Some(3);
    let speak = |graphs| {
        let mut request = request.clone();
        request.options.graphs = graphs;
        let names = Names::default();
        let subscriber = tracing_subscriber::registry().with(names.clone());
        let utterance =
            tracing::subscriber::with_default(subscriber, || model.speak(&request).unwrap());
        let seen = names.0.lock().unwrap().clone();
        (utterance.frames, seen)
    };
    let cuts = ["sampling", "top_k", "top_p"];
    let told: &[_] = &[&["code_predictor", "talker_step"][..], &cuts].concat();
    let whole = |frames: &[&[&'static str]]| {
        let before = [&["synthesize", "prefill"][..], &cuts, &["generate_frames"]].concat();
        [&before, &frames.concat()[..], &["decode"]].concat()
    };
    let (frames, seen) = speak(None);
    assert_eq!((frames.len(), seen), (4, whole(&[told; 4])));
    let repeated: &[&str] = &["frame_graph"];
    let (same, seen) = speak(Some(true));
    // Loading a model has recorded it.
    assert_eq!((same, seen), (frames.clone(), whole(&[repeated; 4])));

    // The next frames are repeated before those of a chunk are decoded.
    request.options.graphs = Some(true);
    request.options.frames_per_read = Some(2);
    let names = Names::default();
    let subscriber = tracing_subscriber::registry().with(names.clone());
    let samples = tracing::subscriber::with_default(subscriber, || {
        let stream = model.stream(&request, ChunkSchedule::constant(2)).unwrap();
        stream.map(|chunk| chunk.unwrap().samples.len()).sum::<usize>()
    });
    assert_eq!(samples, frames.len() * model.codec().samples_per_frame());
    let chunk = ["synthesize", "stream_chunk", "generate_frames"];
    let expected = [
        &["synthesize", "prefill"][..],
        &cuts,
        &chunk,
        &["frame_graph", "frame_graph", "frame_graph", "frame_graph", "decode"],
        &chunk,
        &["decode", "synthesize", "stream_chunk"],
    ];
    assert_eq!(*names.0.lock().unwrap(), expected.concat());
}
