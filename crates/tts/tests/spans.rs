//! The spans and sync marks of a whole synthesis, as a subscriber sees them.
#![cfg(feature = "profiling")]

use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, Mutex, Once};

use candle_core::Device;
use tracing::field::{Field, Visit};
use tracing::{Event, Id, Subscriber, span::Attributes};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tts::{Audio, ChunkSchedule, Model, ModelFiles, ReferenceOptions, Request, Voice};

/// The path of each span from the root in the order of opening, with the frame,
/// and of each sync mark.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Seen>>>);

type Seen = (String, Option<u64>);

#[derive(Default)]
struct Fields {
    frame: Option<u64>,
    site: String,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "frame" {
            self.frame = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "site" {
            value.clone_into(&mut self.site);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let names: Vec<&str> =
            context.span_scope(id).unwrap().from_root().map(|span| span.name()).collect();
        self.0.lock().unwrap().push((names.join("/"), fields.frame));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        assert_eq!(event.metadata().target(), "gpu_sync");
        let mut fields = Fields::default();
        event.record(&mut fields);
        let parent = context.event_span(event).map(|span| span.name()).unwrap_or_default();
        self.0.lock().unwrap().push((format!("{parent}:{}", fields.site), None));
    }
}

/// Has somebody listen on every thread. Without, a span that one test enters first while
/// nobody listens there may stay off for the test that begins to listen at that moment.
fn listen_everywhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    });
}

/// What `work` is seen to do.
fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<Seen>) {
    listen_everywhere();
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    let result = tracing::subscriber::with_default(subscriber, work);
    let seen = std::mem::take(&mut *log.0.lock().unwrap());
    (result, seen)
}

fn model() -> Model {
    listen_everywhere();
    Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap()
}

fn request(model: &Model, frames: usize) -> Request {
    let mut request = model.request("Every stage is a span.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = frames + 1;
    request.options.talker.top_p = 0.9;
    request
}

fn prefill(root: &str) -> Vec<Seen> {
    let path = |rest: &str| format!("{root}/prefill{rest}");
    let spans = [path(""), path("/sampling"), path("/sampling/top_k"), path("/sampling/top_p")];
    spans.into_iter().chain(["sampling:prefill.first_code".to_owned()]).map(|s| (s, None)).collect()
}

/// What is seen of some frames that are generated together.
fn frames(root: &str, frames: Range<u64>, batch: usize) -> Vec<Seen> {
    let path = |rest: &str| format!("{root}/generate_frames{rest}");
    let mut seen = vec![(path(""), None)];
    for frame in frames {
        seen.extend([
            (path("/code_predictor"), Some(frame)),
            (path("/talker_step"), Some(frame)),
            (path("/sampling"), Some(frame)),
        ]);
        for _ in 0..batch {
            seen.push((path("/sampling/top_k"), None));
            seen.push((path("/sampling/top_p"), None));
        }
        seen.push(("sampling:generate.frame".to_owned(), None));
    }
    seen
}

fn decode(root: &str) -> Vec<Seen> {
    vec![(format!("{root}/decode"), None), ("decode:codec_decoder.samples".to_owned(), None)]
}

fn root(name: &str) -> Vec<Seen> {
    vec![(name.to_owned(), None)]
}

#[test]
fn the_tree_is_the_documented_one() {
    let (model, seen) = record(model);
    assert_eq!(seen, root("load"));
    let request = request(&model, 3);
    let (utterance, seen) = record(|| model.speak(&request).unwrap());
    let count = utterance.frames.len() as u64;
    assert!(count >= 2, "the model may not end before two frames");
    let expected = [
        root("synthesize"),
        prefill("synthesize"),
        frames("synthesize", 0..count, 1),
        decode("synthesize"),
    ];
    assert_eq!(seen, expected.concat());
}

#[test]
fn a_batch_is_a_stage_of_its_own() {
    let model = model();
    let requests = [request(&model, 2), request(&model, 2)];
    let (utterances, seen) = record(|| model.speak_batch(&requests).unwrap());
    assert!(utterances.iter().all(|utterance| utterance.frames.len() == 2));
    let batch = "synthesize/batch";
    let expected = [
        root("synthesize"),
        root(batch),
        prefill(batch),
        prefill(batch),
        frames(batch, 0..2, 2),
        decode(batch),
        decode(batch),
    ];
    assert_eq!(seen, expected.concat());
}

#[test]
fn a_chunk_of_a_stream_is_a_stage_of_its_own() {
    let model = model();
    let request = request(&model, 3);
    let ((), seen) = record(|| {
        let stream = model.stream(&request, ChunkSchedule::new(&[1, 2])).unwrap();
        assert_eq!(stream.map(|chunk| chunk.unwrap().frames).collect::<Vec<_>>(), [1, 2]);
    });
    let chunk = "synthesize/stream_chunk";
    let chunk_of =
        |range| [root("synthesize"), root(chunk), frames(chunk, range, 1), decode(chunk)].concat();
    let expected = [
        root("synthesize"),
        prefill("synthesize"),
        chunk_of(0..1),
        chunk_of(1..3),
        root("synthesize"),
        root(chunk),
    ];
    assert_eq!(seen, expected.concat());
}

#[test]
fn a_voice_is_taken_in_two_stages() {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");
    listen_everywhere();
    let model = Model::from_pretrained(base, &Device::Cpu).unwrap();
    let audio = Audio { samples: vec![0.1; 24_000], sample_rate: 24_000 };
    let options = ReferenceOptions::default();
    let (_, seen) = record(|| model.voice_prompt(&audio, Some("Yes."), &options).unwrap());
    let expected = [
        "voice_prompt",
        "voice_prompt/speaker_encoder",
        "speaker_encoder:speaker.x_vector",
        "voice_prompt/codec_encoder",
        "codec_encoder:codec_encoder.codes",
    ];
    assert_eq!(seen, expected.map(|name| (name.to_owned(), None)));
}
