use crate::error::ShapeError;
use crate::kernels::Kernels;
use crate::math;
use crate::matrix::Scheme;

/// Neighbours that share a scale and a sum, in a row of weights and in a vector of inputs.
pub(crate) const GROUP: usize = 32;

/// Vectors to multiply a matrix with, rounded: 32 neighbours share the scale `largest magnitude /
/// 32767` in 16 bits, for weights of 8, or `largest magnitude / 127` in 8 bits, for weights of 4.
#[derive(Debug, Clone)]
pub struct Inputs {
    width: usize,
    /// Of the weights that they are rounded for.
    scheme: Scheme,
    /// Of all vectors, one behind the other.
    groups: Vec<InputGroup>,
    used: usize,
    kernels: Kernels,
}

/// Neighbours of a vector, the last ones padded with zeros.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct InputGroup {
    /// In -32767..=32767, for weights of 8 bits.
    pub(crate) words: [i16; GROUP],
    /// In -127..=127, for weights of 4 bits.
    pub(crate) bytes: [i8; GROUP],
    /// Of the bytes.
    pub(crate) byte_sum: i32,
    pub(crate) scale: f32,
}

impl Inputs {
    /// No vectors yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        let kernels = Kernels::detect();
        Self { width, scheme: Scheme::Q8, groups: Vec::new(), used: 0, kernels }
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

    /// Rounds `vectors`, one behind the other, for weights of a scheme. Takes memory only for
    /// more of them than ever before.
    ///
    /// # Errors
    /// If they are not whole vectors.
    pub fn set(&mut self, scheme: Scheme, vectors: &[f32]) -> Result<(), ShapeError> {
        let count = vectors.len().checked_div(self.width).unwrap_or(0);
        ShapeError::check("values of input vectors", vectors.len(), count * self.width)?;
        let groups = self.width.div_ceil(GROUP);
        if self.groups.len() < count * groups {
            self.groups.resize(count * groups, InputGroup::ZEROS);
        }
        (self.used, self.scheme) = (count, scheme);
        let vectors = vectors.chunks_exact(self.width.max(1));
        for (groups, vector) in self.groups.chunks_exact_mut(groups.max(1)).zip(vectors) {
            self.kernels.round(scheme, groups, vector);
        }
        Ok(())
    }

    /// Can weights of `scheme` be multiplied with them?
    ///
    /// # Errors
    /// If there are any, and they have other bits.
    pub(crate) fn check(&self, scheme: Scheme) -> Result<(), ShapeError> {
        let expected = scheme.input_bits();
        let found = if self.is_empty() { expected } else { self.scheme.input_bits() };
        ShapeError::check("bits of an input", found, expected)
    }

    /// The groups of a vector; none if there is no such vector.
    #[inline]
    pub(crate) fn vector(&self, index: usize) -> &[InputGroup] {
        let groups = self.width.div_ceil(GROUP);
        self.groups.get(index * groups..(index + 1) * groups).unwrap_or_default()
    }
}

impl InputGroup {
    pub(crate) const ZEROS: Self =
        Self { words: [0; GROUP], bytes: [0; GROUP], byte_sum: 0, scale: 0.0 };

    /// Rounds a vector to its groups, for weights of a scheme.
    #[allow(clippy::inline_always)] // compiled once for each instruction set
    #[inline(always)]
    pub(crate) fn round(scheme: Scheme, groups: &mut [Self], vector: &[f32]) {
        let (whole, rest) = vector.as_chunks();
        for (group, inputs) in groups.iter_mut().zip(whole) {
            group.set(scheme, inputs);
        }
        if let Some(group) = groups.get_mut(whole.len()).filter(|_| !rest.is_empty()) {
            let mut inputs = [0.0; GROUP];
            inputs.iter_mut().zip(rest).for_each(|(input, x)| *input = *x);
            group.set(scheme, &inputs);
        }
    }

    #[allow(clippy::inline_always)] // compiled once for each instruction set
    #[inline(always)]
    fn set(&mut self, scheme: Scheme, inputs: &[f32; GROUP]) {
        let largest = math::largest(inputs);
        let limit = match scheme {
            Scheme::Q8 => f32::from(i16::MAX),
            Scheme::Q4 => f32::from(i8::MAX),
        };
        let inverse = if largest > 0.0 { 1.0 / largest * limit } else { 0.0 };
        self.scale = largest / limit;
        match scheme {
            Scheme::Q8 => {
                for (word, x) in self.words.iter_mut().zip(inputs) {
                    *word = math::whole(x * inverse) as i16;
                }
            }
            Scheme::Q4 => {
                for (byte, x) in self.bytes.iter_mut().zip(inputs) {
                    *byte = math::whole(x * inverse) as i8;
                }
                self.byte_sum = self.bytes.iter().map(|&byte| i32::from(byte)).sum();
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
        for scheme in [Scheme::Q8, Scheme::Q4] {
            inputs.set(scheme, &vector).expect("one vector");
            let codes = |group: &InputGroup| match scheme {
                Scheme::Q8 => group.words.map(f32::from),
                Scheme::Q4 => group.bytes.map(f32::from),
            };
            for (group, part) in inputs.vector(0).iter().zip(vector.chunks(GROUP)) {
                for (code, x) in codes(group).iter().zip(part) {
                    assert!((code * group.scale - x).abs() / group.scale <= 0.501);
                }
                assert_eq!(group.byte_sum, group.bytes.iter().map(|&byte| i32::from(byte)).sum());
            }
            let last = codes(&inputs.vector(0)[6]);
            assert!(last[200 - 6 * GROUP..].iter().all(|&code| code == 0.0));
            assert!(inputs.vector(1).is_empty());
        }
    }

    #[test]
    fn silence_and_half_vectors() {
        let mut inputs = Inputs::new(4);
        inputs.set(Scheme::Q8, &[0.0; 8]).expect("two vectors");
        assert_eq!((inputs.len(), inputs.vector(1)[0].scale), (2, 0.0));
        let error = inputs.set(Scheme::Q8, &[0.0; 6]).expect_err("one and a half");
        assert_eq!(error.to_string(), "values of input vectors: 6, expected 4");
    }
}
