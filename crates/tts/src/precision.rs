use std::fmt;
use std::str::FromStr;

use candle_core::{DType, Device};
use tts_checkpoint::ModelFiles;
use tts_nn::{Format, Packing};

/// How exactly the language models compute. The codec always computes in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floats: equal to the official implementation in f32.
    F32,
    /// 16-bit floats.
    Bf16,
    /// Weights in 8 bits. On the CPU a group of 32 has a scale, and inputs are rounded, too; on a
    /// GPU it is a group of 128, and inputs are not.
    Q8,
    /// Weights in floating point of 8 bits (E4M3) on a GPU, where a group of 128 has a scale: as many
    /// bytes as in [`Precision::Q8`], and less exact.
    Fp8,
    /// Weights of the layers in 4 bits, of the heads in 8, on the CPU. In a file that was
    /// [measured](crate::quantize_within) some layers may be in 8, too.
    Q4Mix,
}

/// A text that names no precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}; expected f32, bf16, q8, fp8 or q4mix{reason}", reason = reason(.0))]
pub struct PrecisionError(String);

/// Why something that others offer is none.
fn reason(name: &str) -> &'static str {
    match name {
        "f16" => " (activations of the code predictor leave the range of f16)",
        _ => "",
    }
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::F32, Self::Bf16, Self::Q8, Self::Fp8, Self::Q4Mix];

    /// On the CPU the fastest in which every model so far says what it would have said in f32, within
    /// the bounds of `docs/performance.md`; on a GPU the one that the official implementation
    /// computes in. What programs choose if nobody asks for another.
    pub fn fastest(device: &Device) -> Self {
        if device.is_cpu() { Self::Q8 } else { Self::Bf16 }
    }

    /// What programs choose for a model if nobody asks for another: that of a packed one, else
    /// the [fastest](Self::fastest).
    ///
    /// # Errors
    /// If a model is packed in a precision that is not known.
    pub fn of(files: &ModelFiles, device: &Device) -> Result<Self, PrecisionError> {
        match files {
            ModelFiles::Packed(file) => file.precision().parse(),
            ModelFiles::Directory(_) | ModelFiles::Embedded(_) => Ok(Self::fastest(device)),
        }
    }

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Q8 => "q8",
            Self::Fp8 => "fp8",
            Self::Q4Mix => "q4mix",
        }
    }

    /// The type of what is not packed.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::Bf16 => DType::BF16,
            Self::F32 | Self::Q8 | Self::Fp8 | Self::Q4Mix => DType::F32,
        }
    }

    /// Whether a model can be [packed](crate::quantize) in it: numbers for a GPU are made where it
    /// is loaded.
    pub fn can_be_packed(self) -> bool {
        matches!(self, Self::Q8 | Self::Q4Mix)
    }

    /// In what numbers matrices are kept, where they are packed.
    pub fn packing(self) -> Option<Packing> {
        match self {
            Self::F32 | Self::Bf16 => None,
            Self::Q8 => Some(Packing { layers: Format::Q8, heads: Format::Q8 }),
            Self::Fp8 => Some(Packing { layers: Format::Fp8, heads: Format::Fp8 }),
            Self::Q4Mix => Some(Packing { layers: Format::Q4, heads: Format::Q8 }),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = PrecisionError;

    fn from_str(text: &str) -> Result<Self, PrecisionError> {
        let named = Self::ALL.into_iter().find(|precision| precision.name() == text);
        named.ok_or_else(|| PrecisionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Precision;

    #[test]
    fn names_are_read_back() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        let error = "q5".parse::<Precision>().unwrap_err();
        assert_eq!(error.to_string(), "\"q5\"; expected f32, bf16, q8, fp8 or q4mix");
        let error = "f16".parse::<Precision>().unwrap_err().to_string();
        assert!(error.ends_with("(activations of the code predictor leave the range of f16)"));
    }
}
