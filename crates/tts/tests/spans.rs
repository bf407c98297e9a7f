//! The spans and sync marks of a whole synthesis, as a subscriber sees them.
#![cfg(feature = "profiling")]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use candle_core::Device;
use tracing::field::{Field, Visit};
use tracing::{Event, Id, Subscriber, span::Attributes};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tts::{Model, ModelFiles, Options, Request, Voice};

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

fn record(frames: usize) -> (usize, Vec<Seen>) {
    let model = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu).unwrap();
    let mut options = Options { max_new_tokens: frames + 1, ..model.default_options() };
    options.talker.top_p = 0.9;
    let request = Request {
        text: "Every stage is a span.".to_owned(),
        language: None,
        voice: Voice::Speaker("ryan".to_owned()),
        instruct: None,
        options,
    };
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    let utterance =
        tracing::subscriber::with_default(subscriber, || model.speak(&request)).unwrap();
    let seen = std::mem::take(&mut *log.0.lock().unwrap());
    (utterance.frames.len(), seen)
}

#[test]
fn the_tree_is_the_documented_one() {
    let (frames, seen) = record(3);
    assert!(frames >= 2, "the model may not end before two frames");
    let mut expected = vec![
        ("synthesize".to_owned(), None),
        ("synthesize/prefill".to_owned(), None),
        ("synthesize/prefill/sampling".to_owned(), None),
        ("synthesize/prefill/sampling/top_k".to_owned(), None),
        ("synthesize/prefill/sampling/top_p".to_owned(), None),
        ("sampling:prefill.first_code".to_owned(), None),
        ("synthesize/generate_frames".to_owned(), None),
    ];
    for frame in 0..frames as u64 {
        let path = |rest: &str| format!("synthesize/generate_frames/{rest}");
        expected.extend([
            (path("code_predictor"), Some(frame)),
            (path("talker_step"), Some(frame)),
            (path("sampling"), Some(frame)),
            (path("sampling/top_k"), None),
            (path("sampling/top_p"), None),
            ("sampling:generate.frame".to_owned(), None),
        ]);
    }
    expected.push(("synthesize/decode".to_owned(), None));
    expected.push(("decode:codec_decoder.samples".to_owned(), None));
    assert_eq!(seen, expected);
}
