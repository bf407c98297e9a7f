//! Spans as ranges of the NVIDIA Tools Extension.

use tracing::Subscriber;
use tracing::span::Id;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::recorder::engine_span;

/// A layer that opens a range at every entry of a span and closes it at the exit.
pub(super) struct Ranges;

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Ranges {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = engine_span(id, &context) {
            nvtx::range_push!("{}", span.name());
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if engine_span(id, &context).is_some() {
            nvtx::range_pop!();
        }
    }
}
