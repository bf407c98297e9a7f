//! Speech as an asynchronous stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use async_channel::Receiver;
use futures_core::Stream;

use crate::error::TtsError;
use crate::model::Model;
use crate::request::Request;
use crate::schedule::ChunkSchedule;
use crate::session::{Chunk, SpeechStream};

/// The chunks of a request, made on a thread of its own.
///
/// The thread is at most two chunks ahead of the reader and waits there. Dropping the
/// stream ends it after the chunk it is at.
#[derive(Debug)]
pub struct AsyncSpeech(Pin<Box<Receiver<Result<Chunk, TtsError>>>>);

impl AsyncSpeech {
    /// Begins to speak a request.
    ///
    /// # Errors
    /// If something in the request is unusable, or no thread can be started.
    pub fn new(
        model: Arc<Model>,
        request: &Request,
        schedule: ChunkSchedule,
    ) -> Result<Self, TtsError> {
        let speech = SpeechStream::new(model, request, schedule)?;
        let (sender, receiver) = async_channel::bounded(1);
        thread::Builder::new()
            .name("tts-speech".to_owned())
            .spawn(move || {
                for chunk in speech {
                    if sender.send_blocking(chunk).is_err() {
                        // Nobody listens any more.
                        break;
                    }
                }
            })
            .map_err(TtsError::Thread)?;
        Ok(Self(Box::pin(receiver)))
    }
}

impl Stream for AsyncSpeech {
    type Item = Result<Chunk, TtsError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}
