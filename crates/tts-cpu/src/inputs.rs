use crate::error::ShapeError;
use crate::kernels::Kernels;
use crate::math;

/// Neighbours that share a scale and a sum, in a row of weights and in a vector of inputs.
pub(crate) const GROUP: usize = 32;

/// Vectors to multiply a matrix with, rounded: 32 neighbours share the scale `largest magnitude /
/// 32767` in 16 bits, for weights of 8, and `largest magnitude / 127` in 8 bits, for weights of 4.
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
    pub(crate) words: [i16; GROUP],
    pub(crate) word_scale: f32,
    /// In -127..=127.
    pub(crate) bytes: [i8; GROUP],
    pub(crate) byte_scale: f32,
    /// Of the bytes.
    pub(crate) byte_sum: i32,
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
    pub(crate) const ZEROS: Self = Self {
        words: [0; GROUP],
        word_scale: 0.0,
        bytes: [0; GROUP],
        byte_scale: 0.0,
        byte_sum: 0,
    };

    /// Rounds a vector to its groups.
    #[allow(clippy::inline_always)] // compiled once for each instruction set
    #[inline(always)]
    pub(crate) fn round(groups: &mut [Self], vector: &[f32]) {
        const LARGEST_WORD: f32 = i16::MAX as f32;
        const LARGEST_BYTE: f32 = i8::MAX as f32;
        for (group, inputs) in groups.iter_mut().zip(vector.chunks(GROUP)) {
            let largest = math::largest(inputs);
            let inverse = if largest > 0.0 { 1.0 / largest } else { 0.0 };
            let (words, bytes) = (inverse * LARGEST_WORD, inverse * LARGEST_BYTE);
            for ((word, byte), x) in group.words.iter_mut().zip(&mut group.bytes).zip(inputs) {
                *word = math::whole(x * words) as i16;
                *byte = math::whole(x * bytes) as i8;
            }
            group.word_scale = largest / LARGEST_WORD;
            group.byte_scale = largest / LARGEST_BYTE;
            group.byte_sum = group.bytes.iter().map(|&byte| i32::from(byte)).sum();
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
            for ((word, byte), x) in group.words.iter().zip(group.bytes).zip(part) {
                let error = |value: f32, scale: f32| (value * scale - x).abs() / scale;
                assert!(error(f32::from(*word), group.word_scale) <= 0.501);
                assert!(error(f32::from(byte), group.byte_scale) <= 0.501);
            }
            assert_eq!(group.byte_sum, group.bytes.iter().map(|&byte| i32::from(byte)).sum());
        }
        assert!(groups[6].words[200 - 6 * GROUP..].iter().all(|&word| word == 0));
        assert!(groups[6].bytes[200 - 6 * GROUP..].iter().all(|&byte| byte == 0));
        assert!(inputs.vector(1).is_empty());
    }

    #[test]
    fn silence_and_half_vectors() {
        let mut inputs = Inputs::new(4);
        inputs.set(&[0.0; 8]).expect("two vectors");
        assert_eq!((inputs.len(), inputs.vector(1)[0].word_scale), (2, 0.0));
        let error = inputs.set(&[0.0; 6]).expect_err("one and a half");
        assert_eq!(error.to_string(), "values of input vectors: 6, expected 4");
    }
}
