use std::collections::BTreeMap;

use anyhow::Result;
use rayon::prelude::*;
use serde_json::{Value, json};
use tts_checkpoint::{Part, TensorSpec};

/// How the values of a file are stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Bf16,
    F32,
}

impl Stored {
    fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "BF16",
            Self::F32 => "F32",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}

/// Bytes that are filled by one thread from one seed.
const CHUNK: usize = 1 << 18;

/// A safetensors file with random values in the tensors of `parts`.
pub(super) fn file(specs: &[TensorSpec], stored: Stored, parts: &[Part]) -> Result<Vec<u8>> {
    let mut end = 0;
    let tensors: BTreeMap<&str, Value> = (specs.iter())
        .map(|spec| {
            let begin = end;
            end += size(spec, stored);
            let offsets = [begin, end];
            let info =
                json!({ "dtype": stored.name(), "shape": spec.shape, "data_offsets": offsets });
            (spec.name.as_str(), info)
        })
        .collect();
    let mut header = serde_json::to_vec(&tensors)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    // Zeros that were never written take no memory.
    let mut bytes = vec![0; size_of::<u64>() + header.len() + end];
    let (length, rest) = bytes.split_at_mut(size_of::<u64>());
    length.copy_from_slice(&(header.len() as u64).to_le_bytes());
    let (start, mut data) = rest.split_at_mut(header.len());
    start.copy_from_slice(&header);
    for (index, spec) in specs.iter().enumerate() {
        let tensor;
        (tensor, data) = data.split_at_mut(size(spec, stored));
        if parts.contains(&spec.part) {
            fill(tensor, stored, Values::of(spec), index as u64);
        }
    }
    Ok(bytes)
}

/// Bytes of a tensor.
fn size(spec: &TensorSpec, stored: Stored) -> usize {
    spec.shape.iter().product::<usize>() * stored.bytes()
}

/// Uniform values in `[centre - reach, centre + reach]`.
#[derive(Debug, Clone, Copy)]
struct Values {
    centre: f32,
    reach: f32,
}

impl Values {
    /// Matrices that keep the size of their input or shrink it a little, so that no
    /// value becomes huge or denormal, however deep the network.
    fn of(spec: &TensorSpec) -> Self {
        let inputs: usize = spec.shape.iter().skip(1).product();
        let factor = ["norm.weight", "scale", "gamma", "usage", "initialized"];
        if spec.shape.len() > 1 {
            Self { centre: 0.0, reach: (1.0 / inputs as f32).sqrt() }
        } else if factor.iter().any(|suffix| spec.name.ends_with(suffix)) {
            Self { centre: 1.0, reach: 0.1 }
        } else {
            Self { centre: 0.0, reach: 0.1 }
        }
    }
}

fn fill(bytes: &mut [u8], stored: Stored, values: Values, tensor: u64) {
    bytes.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, bytes)| {
        let random = SplitMix64(tensor << 32 | chunk as u64);
        match stored {
            Stored::Bf16 => fill_with::<2>(bytes, values, random),
            Stored::F32 => fill_with::<4>(bytes, values, random),
        }
    });
}

/// Stores the upper `N` bytes of f32 values: four are f32, two are bf16.
fn fill_with<const N: usize>(bytes: &mut [u8], values: Values, mut random: SplitMix64) {
    let step = values.reach / f32::from(i16::MAX);
    for values_of_word in bytes.as_chunks_mut::<N>().0.chunks_mut(4) {
        let mut word = random.next();
        for stored in values_of_word {
            let value = values.centre + step * f32::from(word as i16);
            stored.copy_from_slice(&value.to_le_bytes()[size_of::<f32>() - N..]);
            word >>= 16;
        }
    }
}

/// The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (OOPSLA 2014).
#[derive(Debug)]
pub(super) struct SplitMix64(pub(super) u64);

impl SplitMix64 {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
