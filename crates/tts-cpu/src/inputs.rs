use crate::error::ShapeError;
use crate::kernels::Kernels;
use crate::math;

/// Neighbours that share a scale and a sum, in a row of weights and in a vector of inputs.
pub(crate) const GROUP: usize = 32;

/// Vectors to multiply a matrix with, rounded to 16 bits: 32 neighbours share the scale
/// `largest magnitude / 32767`.
#[derive(Debug, Clone)]
pub struct Inputs {
    width: usize,
    /// Of all vectors, one behind the other.
    groups: Vec<InputGroup>,
    used: usize,
    kernels: Kernels,
}

/// Neighbours of a vector, the last ones padded with zeros.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct InputGroup {
    /// In -32767..=32767.
    pub(crate) values: [i16; GROUP],
    /// Of the values.
    pub(crate) sum: i32,
    pub(crate) scale: f32,
}

impl Inputs {
    /// No vectors yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        Self { width, groups: Vec::new(), used: 0, kernels: Kernels::detect() }
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
        let groups = self.width.div_ceil(GROUP);
        if self.groups.len() < count * groups {
            self.groups.resize(count * groups, InputGroup::ZEROS);
        }
        self.used = count;
        let vectors = vectors.chunks_exact(self.width.max(1));
        for (groups, vector) in self.groups.chunks_exact_mut(groups.max(1)).zip(vectors) {
            self.kernels.round(groups, vector);
        }
        Ok(())
    }

    /// The groups of a vector; none if there is no such vector.
    #[inline]
    pub(crate) fn vector(&self, index: usize) -> &[InputGroup] {
        let groups = self.width.div_ceil(GROUP);
        self.groups.get(index * groups..(index + 1) * groups).unwrap_or_default()
    }
}

impl InputGroup {
    pub(crate) const ZEROS: Self = Self { values: [0; GROUP], sum: 0, scale: 0.0 };

    /// Rounds a vector to its groups.
    #[allow(clippy::inline_always)] // compiled once for each instruction set
    #[inline(always)]
    pub(crate) fn round(groups: &mut [Self], vector: &[f32]) {
        const LARGEST: f32 = i16::MAX as f32;
        for (group, inputs) in groups.iter_mut().zip(vector.chunks(GROUP)) {
            let largest = math::largest(inputs);
            group.scale = largest / LARGEST;
            let inverse = if largest > 0.0 { LARGEST / largest } else { 0.0 };
            for (value, x) in group.values.iter_mut().zip(inputs) {
                *value = math::whole(x * inverse) as i16;
            }
            group.sum = group.values.iter().map(|&value| i32::from(value)).sum();
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
        let groups = inputs.vector(0);
        for (group, part) in groups.iter().zip(vector.chunks(GROUP)) {
            for (value, x) in group.values.iter().zip(part) {
                assert!((f32::from(*value) * group.scale - x).abs() <= group.scale * 0.501);
            }
            assert_eq!(group.sum, group.values.iter().map(|&v| i32::from(v)).sum());
        }
        assert!(groups[6].values[200 - 6 * GROUP..].iter().all(|&value| value == 0));
        assert!(inputs.vector(1).is_empty());
    }

    #[test]
    fn silence_and_half_vectors() {
        let mut inputs = Inputs::new(4);
        inputs.set(&[0.0; 8]).expect("two vectors");
        assert_eq!((inputs.len(), inputs.vector(1)[0].scale), (2, 0.0));
        let error = inputs.set(&[0.0; 6]).expect_err("one and a half");
        assert_eq!(error.to_string(), "values of input vectors: 6, expected 4");
    }
}
