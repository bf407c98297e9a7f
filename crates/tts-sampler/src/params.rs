use crate::error::SamplerError;

/// How a token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplingParams {
    /// Draw at random; otherwise take the likeliest token.
    pub do_sample: bool,
    /// Divides the scores; above 0.
    pub temperature: f32,
    /// Candidates kept, ties included; 0 keeps all.
    pub top_k: usize,
    /// Probability mass kept; 1 keeps all.
    pub top_p: f32,
    /// Penalty on tokens drawn before; 1 is off.
    pub repetition_penalty: f32,
    /// Tokens drawn at least before the end of the sequence may be.
    pub min_new_tokens: usize,
}

impl Default for SamplingParams {
    /// Draws from the whole distribution as it is.
    fn default() -> Self {
        Self {
            do_sample: true,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
            min_new_tokens: 0,
        }
    }
}

impl SamplingParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SamplerError::Parameter`] names the first parameter out of range.
    pub fn validate(&self) -> Result<(), SamplerError> {
        let positive = |name, value: f32| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                let expected = "a finite number above 0";
                Err(SamplerError::Parameter { name, value, expected })
            }
        };
        positive("temperature", self.temperature)?;
        positive("repetition_penalty", self.repetition_penalty)?;
        if (0.0..=1.0).contains(&self.top_p) {
            Ok(())
        } else {
            let expected = "a number from 0 to 1";
            Err(SamplerError::Parameter { name: "top_p", value: self.top_p, expected })
        }
    }
}
