use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use tts::Precision;

use crate::bounds::bound;
use crate::error::GoldenError;
use crate::report::{Outcome, Row};

/// The recorded tensors of a case and the rows of its comparison.
pub(crate) struct Recorded {
    case: String,
    tensors: HashMap<String, Tensor>,
    precision: Precision,
    pub(crate) rows: Vec<Row>,
}

impl Recorded {
    pub(crate) fn load(
        directory: &Path,
        case: &str,
        precision: Precision,
    ) -> Result<Self, GoldenError> {
        let path = directory.join(format!("{case}.safetensors"));
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu)
            .map_err(|e| GoldenError::File { path, problem: e.to_string() })?;
        Ok(Self { case: case.to_owned(), tensors, precision, rows: Vec::new() })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    fn missing(&self, name: &str, problem: impl std::fmt::Display) -> GoldenError {
        GoldenError::Case { case: self.case.clone(), problem: format!("tensor {name}: {problem}") }
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<&Tensor, GoldenError> {
        self.tensors.get(name).ok_or_else(|| self.missing(name, "not recorded"))
    }

    /// A floating-point tensor, flat.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>, GoldenError> {
        flat(self.tensor(name)?).map_err(|e| self.missing(name, e))
    }

    /// An integer tensor, flat.
    pub(crate) fn integers(&self, name: &str) -> Result<Vec<i64>, GoldenError> {
        let read = |t: &Tensor| t.to_dtype(DType::I64)?.flatten_all()?.to_vec1::<i64>();
        read(self.tensor(name)?).map_err(|e| self.missing(name, e))
    }

    pub(crate) fn row(&mut self, stage: &str, outcome: Outcome) {
        let row = Row { case: self.case.clone(), stage: stage.to_owned(), outcome };
        self.rows.push(row);
    }

    /// Compares `actual` with `expected` under the bound of the stage.
    pub(crate) fn compare(&mut self, stage: &str, expected: &[f32], actual: &[f32]) {
        let outcome = if expected.len() == actual.len() {
            let max_abs = largest_difference(expected, actual);
            Outcome::Difference { max_abs, bound: bound(stage, self.precision) }
        } else {
            Outcome::Failed(format!("{} values, expected {}", actual.len(), expected.len()))
        };
        self.row(stage, outcome);
    }

    pub(crate) fn compare_integers(&mut self, stage: &str, expected: &[i64], actual: &[i64]) {
        self.row(stage, Outcome::Equal(expected == actual));
    }
}

/// The largest absolute difference; infinite where only one side is finite or a
/// NaN.
pub(crate) fn largest_difference(expected: &[f32], actual: &[f32]) -> f64 {
    expected.iter().zip(actual).fold(0.0, |worst, (&e, &a)| {
        let difference = if e == a { 0.0 } else { (f64::from(e) - f64::from(a)).abs() };
        if difference.is_nan() { f64::INFINITY } else { worst.max(difference) }
    })
}

pub(crate) fn flat(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
}

/// Root mean square of every frame.
pub(crate) fn frame_rms(samples: &[f32], samples_per_frame: usize) -> Vec<f32> {
    let frames = samples.chunks(samples_per_frame.max(1));
    let rms = frames.map(|frame| {
        let power: f64 = frame.iter().map(|&s| f64::from(s).powi(2)).sum();
        (power / frame.len() as f64).sqrt() as f32
    });
    rms.collect()
}
