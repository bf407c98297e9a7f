//! The code predictor: codebooks 1 and up of one frame (`docs/model.md`,
//! section 4).
//!
//! [`CodePredictor::frame`] runs all steps of a frame for any number of
//! sequences; nothing of one frame carries over to the next.
//! [`CodePredictor::embed`] sums the embeddings of a frame's codes, which is the
//! codec channel of the talker's next input.

mod predictor;

pub use predictor::{CodePredictor, PredictorError, PredictorTap, PredictorWork};
