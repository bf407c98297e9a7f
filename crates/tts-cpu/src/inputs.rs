use crate::error::ShapeError;
use crate::kernels::Kernels;

/// Inputs that share a scale.
pub(crate) const GROUP: usize = 128;
/// Inputs that share a sum: a group of 4-bit weights.
pub(crate) const SUB_GROUP: usize = 32;

/// Vectors to multiply a matrix with, rounded to 8 bits: 128 neighbours share the scale
/// `largest magnitude / 127`.
#[derive(Debug, Clone)]
pub struct Inputs {
    width: usize,
    rows: Vec<Row>,
    used: usize,
    kernels: Kernels,
}

/// One vector, padded with zeros to whole groups.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// In -127..=127.
    pub(crate) values: Vec<[i8; GROUP]>,
    /// One of each group.
    pub(crate) scales: Vec<f32>,
    /// Of the values of each sub-group.
    pub(crate) sums: Vec<[i32; GROUP / SUB_GROUP]>,
}

impl Inputs {
    /// No vectors yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        Self { width, rows: Vec::new(), used: 0, kernels: Kernels::detect() }
    }

    /// Values of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Vectors.
    pub fn len(&self) -> usize {
        self.used
    }

    /// No vectors?
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Rounds `vectors`, one behind the other. Takes memory only for more of them than
    /// ever before.
    ///
    /// # Errors
    /// If they are not whole vectors.
    pub fn set(&mut self, vectors: &[f32]) -> Result<(), ShapeError> {
        let count = vectors.len().checked_div(self.width).unwrap_or(0);
        ShapeError::check("values of input vectors", vectors.len(), count * self.width)?;
        while self.rows.len() < count {
            self.rows.push(Row::zeros(self.width.div_ceil(GROUP)));
        }
        self.used = count;
        for (row, vector) in self.rows.iter_mut().zip(vectors.chunks_exact(self.width.max(1))) {
            self.kernels.round(row, vector);
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> &[Row] {
        self.rows.get(..self.used).unwrap_or_default()
    }
}

impl Row {
    fn zeros(groups: usize) -> Self {
        Self {
            values: vec![[0; GROUP]; groups],
            scales: vec![0.0; groups],
            sums: vec![[0; GROUP / SUB_GROUP]; groups],
        }
    }

    #[allow(clippy::inline_always)] // compiled once for each instruction set
    #[inline(always)]
    pub(crate) fn round(&mut self, vector: &[f32]) {
        let groups = self.values.iter_mut().zip(&mut self.scales).zip(&mut self.sums);
        for (((values, scale), sums), inputs) in groups.zip(vector.chunks(GROUP)) {
            let largest = inputs.iter().fold(0_f32, |largest, x| largest.max(x.abs()));
            *scale = largest / 127.0;
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            for (value, x) in values.iter_mut().zip(inputs) {
                *value = (x * inverse).round_ties_even() as i8;
            }
            for (sum, values) in sums.iter_mut().zip(values.as_chunks::<SUB_GROUP>().0) {
                *sum = values.iter().map(|&value| i32::from(value)).sum();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_half_a_step_and_pads_with_zeros() {
        let vector: Vec<f32> = (0..200).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        let mut inputs = Inputs::new(200);
        inputs.set(&vector).expect("one vector");
        let [row] = inputs.rows() else { panic!("one row") };
        for (group, part) in vector.chunks(GROUP).enumerate() {
            let scale = row.scales[group];
            for (value, x) in row.values[group].iter().zip(part) {
                assert!((f32::from(*value) * scale - x).abs() <= scale * 0.5001);
            }
        }
        assert!(row.values[1][200 - GROUP..].iter().all(|&value| value == 0));
        assert_eq!(
            row.sums[1].iter().sum::<i32>(),
            row.values[1].iter().map(|&v| i32::from(v)).sum()
        );
    }

    #[test]
    fn silence_and_half_vectors() {
        let mut inputs = Inputs::new(4);
        inputs.set(&[0.0; 8]).expect("two vectors");
        assert_eq!((inputs.len(), inputs.rows()[1].scales[0]), (2, 0.0));
        let error = inputs.set(&[0.0; 6]).expect_err("one and a half");
        assert_eq!(error.to_string(), "values of input vectors: 6, expected 4");
    }
}
