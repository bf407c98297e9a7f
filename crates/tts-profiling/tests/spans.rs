//! What the macros record with the feature on, and what they are with it off.

#[cfg(not(feature = "profiling"))]
#[test]
fn spans_have_no_size_without_the_feature() {
    use tts_profiling::{Stage, frame_span, stage_span};
    assert_eq!(size_of_val(&stage_span!(Stage::Prefill)), 0);
    assert_eq!(size_of_val(&frame_span!(Stage::Sampling, 7_usize)), 0);
}

#[cfg(feature = "profiling")]
mod recorded {
    use std::fmt::{Debug, Write};
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing_subscriber::{Layer, layer::Context, prelude::*};
    use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Log {
        fn on_new_span(
            &self,
            attrs: &tracing::span::Attributes<'_>,
            _: &tracing::Id,
            _: Context<'_, S>,
        ) {
            let mut fields = Fields(attrs.metadata().name().to_owned());
            attrs.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }

        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut fields = Fields(event.metadata().target().to_owned());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }

    #[test]
    fn names_fields_and_sync_marks_reach_a_subscriber() {
        let log = Log::default();
        let subscriber = tracing_subscriber::registry().with(log.clone());
        tracing::subscriber::with_default(subscriber, || {
            let _outer = stage_span!(Stage::GenerateFrames);
            let _inner = frame_span!(Stage::Sampling, 3_usize);
            gpu_sync!("test.site", SyncClass::PerFrame);
        });
        let seen = log.0.lock().unwrap().clone();
        assert_eq!(
            seen,
            [
                "generate_frames",
                "sampling frame=3",
                "gpu_sync site=\"test.site\" class=\"per-frame\""
            ]
        );
    }
}
