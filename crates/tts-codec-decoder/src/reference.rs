use crate::decoder::CodecDecoder;
use crate::error::CodecError;

/// Frames and left context of the official chunked decode.
const CHUNK: usize = 300;
const CONTEXT: usize = 25;

impl CodecDecoder {
    /// Decodes in the chunks of the official package: every 300 frames start
    /// afresh from 25 frames of context (`docs/model.md`, section 7.8).
    ///
    /// Up to 300 frames this equals [`CodecDecoder::push`]. Beyond that it
    /// differs audibly at the seams, because the decoder reaches further back; it
    /// exists for comparison with the official package only.
    ///
    /// # Errors
    /// Those of [`CodecDecoder::push`].
    pub fn decode_in_reference_chunks<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
    ) -> Result<Vec<f32>, CodecError> {
        let mut samples = Vec::with_capacity(frames.len() * self.samples_per_frame());
        for start in (0..frames.len()).step_by(CHUNK) {
            let end = (start + CHUNK).min(frames.len());
            let context = CONTEXT.min(start);
            let wave = self.push(&frames[start - context..end], &mut self.new_state()?)?;
            samples.extend(wave.into_iter().skip(context * self.samples_per_frame()));
        }
        Ok(samples)
    }
}
