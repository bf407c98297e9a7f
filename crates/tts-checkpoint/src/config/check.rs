use std::fmt::Display;
use std::path::PathBuf;

use super::model::RopeScaling;
use crate::error::CheckpointError;

/// No width, vocabulary or length of any model comes near this; larger values
/// are taken for damage before anything is allocated from them.
const LARGEST_SIZE: usize = 1 << 24;
const MOST_LAYERS: usize = 1024;

/// Checks the fields of one JSON object; errors carry file and dotted path.
pub(crate) struct Checker {
    path: PathBuf,
    prefix: String,
}

/// The fields every transformer of the family shares.
pub(super) struct DecoderDims<'a> {
    pub(super) hidden: usize,
    pub(super) intermediate: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    pub(super) eps: f64,
    pub(super) theta: f64,
    pub(super) activation: &'a str,
    pub(super) attention_bias: bool,
}

impl Checker {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, prefix: String::new() }
    }

    /// The checker of an inner object.
    pub(super) fn within(&self, field: &str) -> Self {
        Self { path: self.path.clone(), prefix: format!("{}{field}.", self.prefix) }
    }

    fn field(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }

    pub(super) fn fail<T>(
        &self,
        field: &str,
        problem: impl Into<String>,
    ) -> Result<T, CheckpointError> {
        Err(CheckpointError::Config {
            path: self.path.clone(),
            field: self.field(field),
            problem: problem.into(),
        })
    }

    fn unsupported(
        &self,
        field: &str,
        found: impl Display,
        reason: &str,
    ) -> Result<(), CheckpointError> {
        Err(CheckpointError::Unsupported {
            path: self.path.clone(),
            field: self.field(field),
            found: found.to_string(),
            reason: reason.to_owned(),
        })
    }

    pub(super) fn range(
        &self,
        field: &str,
        value: usize,
        low: usize,
        high: usize,
    ) -> Result<(), CheckpointError> {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            self.fail(field, format!("{value}; expected {low} to {high}"))
        }
    }

    /// A width, length or count: at least 1 and not absurd.
    pub(super) fn size(&self, field: &str, value: usize) -> Result<(), CheckpointError> {
        self.range(field, value, 1, LARGEST_SIZE)
    }

    pub(super) fn equals(
        &self,
        field: &str,
        value: usize,
        other: &str,
        expected: usize,
    ) -> Result<(), CheckpointError> {
        if value == expected {
            Ok(())
        } else {
            self.fail(field, format!("{value}; expected {expected}, as `{other}` says"))
        }
    }

    pub(super) fn divides(
        &self,
        field: &str,
        value: usize,
        by_field: &str,
        by: usize,
    ) -> Result<(), CheckpointError> {
        if by != 0 && value.is_multiple_of(by) {
            Ok(())
        } else {
            self.fail(field, format!("{value}; expected a multiple of `{by_field}` = {by}"))
        }
    }

    pub(super) fn id_below(
        &self,
        field: &str,
        id: u32,
        rows: usize,
        rows_field: &str,
    ) -> Result<(), CheckpointError> {
        if (id as usize) < rows {
            Ok(())
        } else {
            self.fail(field, format!("{id}; expected less than `{rows_field}` = {rows}"))
        }
    }

    pub(super) fn is(
        &self,
        field: &str,
        value: bool,
        expected: bool,
    ) -> Result<(), CheckpointError> {
        if value == expected {
            Ok(())
        } else {
            self.unsupported(field, value, "no checkpoint of the family uses it")
        }
    }

    pub(super) fn activation(
        &self,
        field: &str,
        value: &str,
        expected: &str,
    ) -> Result<(), CheckpointError> {
        if value == expected {
            Ok(())
        } else {
            self.unsupported(field, value, &format!("the family uses {expected:?}"))
        }
    }

    pub(super) fn positive(&self, field: &str, value: f64) -> Result<(), CheckpointError> {
        if value.is_finite() && value > 0.0 {
            Ok(())
        } else {
            self.fail(field, format!("{value}; expected a positive number"))
        }
    }

    pub(super) fn decoder(&self, dims: &DecoderDims<'_>) -> Result<(), CheckpointError> {
        self.size("hidden_size", dims.hidden)?;
        self.size("intermediate_size", dims.intermediate)?;
        self.range("num_hidden_layers", dims.layers, 1, MOST_LAYERS)?;
        self.range("num_attention_heads", dims.heads, 1, 4096)?;
        self.range("num_key_value_heads", dims.kv_heads, 1, 4096)?;
        self.range("head_dim", dims.head_dim, 2, 4096)?;
        self.divides("num_attention_heads", dims.heads, "num_key_value_heads", dims.kv_heads)?;
        self.divides("head_dim", dims.head_dim, "the rotary pair", 2)?;
        self.positive("rms_norm_eps", dims.eps)?;
        self.positive("rope_theta", dims.theta)?;
        self.activation("hidden_act", dims.activation, "silu")?;
        self.is("attention_bias", dims.attention_bias, false)
    }

    /// All three streams of the multi-stream form carry the same positions, so
    /// it equals plain rotary embedding; anything else is not implemented.
    pub(super) fn rope_scaling(
        &self,
        scaling: Option<&RopeScaling>,
        head_dim: usize,
    ) -> Result<(), CheckpointError> {
        let Some(scaling) = scaling else { return Ok(()) };
        let at = self.within("rope_scaling");
        if scaling.rope_type != "default" {
            return at.unsupported("rope_type", &scaling.rope_type, "only \"default\" is known");
        }
        let Some(sections) = &scaling.mrope_section else { return Ok(()) };
        let sum = sections.iter().fold(0_usize, |sum, &s| sum.saturating_add(s));
        at.equals("mrope_section", sum, "half of head_dim", head_dim / 2)
    }

    pub(super) fn codec_family(&self, field: &str, value: &str) -> Result<(), CheckpointError> {
        match value {
            "qwen3_tts_tokenizer_12hz" => Ok(()),
            "qwen3_tts_tokenizer_25hz" => self.unsupported(
                field,
                value,
                "the 25 Hz codec is a different model with one codebook; \
                 use a checkpoint of the Qwen3-TTS-12Hz family",
            ),
            other => self.unsupported(field, other, "expected \"qwen3_tts_tokenizer_12hz\""),
        }
    }
}
