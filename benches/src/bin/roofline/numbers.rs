use tts::{ModelFiles, Precision};
use tts_checkpoint::PackedFile;
use tts_profiling::Stage;

/// In what numbers a model is.
pub(crate) struct Numbers {
    pub(crate) precision: Precision,
    /// Bytes of a weight in the layers of the talker and of the code predictor.
    layers: [f64; 2],
}

impl Numbers {
    pub(crate) fn of(files: &ModelFiles, precision: Precision) -> Self {
        let usual = if precision == Precision::Q4Mix { 4.5 / 8.0 } else { weight_bytes(precision) };
        let layers = [PackedFile::TALKER_LAYERS, PackedFile::PREDICTOR_LAYERS].map(|below| {
            let ModelFiles::Packed(file) = files else { return usual };
            file.bits_per_weight(below).map_or(usual, |bits| bits / 8.0)
        });
        Self { precision, layers }
    }

    /// Bytes of a weight in an operation of a language model.
    pub(crate) fn weight_bytes(&self, stage: Stage, operation: &str) -> f64 {
        let [talker, predictor] = self.layers;
        match (operation, stage) {
            ("projections" | "attention" | "MLP", Stage::CodePredictor) => predictor,
            ("projections" | "attention" | "MLP", _) => talker,
            _ => weight_bytes(self.precision),
        }
    }

    /// Bytes of a key or value that is kept.
    pub(crate) fn cache_bytes(&self) -> f64 {
        match self.precision {
            Precision::Bf16 | Precision::Fp8 => 2.0,
            Precision::F32 | Precision::Q8 | Precision::Q4Mix => 4.0,
        }
    }
}

/// Bytes of a weight outside the layers.
fn weight_bytes(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 4.0,
        Precision::Bf16 => 2.0,
        Precision::Q8 | Precision::Q4Mix => 8.5 / 8.0,
        Precision::Fp8 => 8.25 / 8.0,
    }
}
