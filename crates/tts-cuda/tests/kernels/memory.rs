//! Numbers for tests, in memory that kernels may read.

use half::bf16;
use tts_cuda::{Address, Float, Order, Queue};

/// Numbers between -1 and 1 that repeat late.
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Numbers of one type from an address that is a multiple of 16.
#[derive(Clone)]
pub(crate) struct Memory {
    bytes: Vec<u128>,
    dtype: Float,
    count: usize,
}

impl Memory {
    pub(crate) fn new(dtype: Float, values: &[f32]) -> Self {
        let size = if dtype == Float::F32 { 4 } else { 2 };
        let mut memory =
            Self { bytes: vec![0; (values.len() * size).div_ceil(16)], dtype, count: values.len() };
        match dtype {
            Float::F32 => memory.floats_mut().copy_from_slice(values),
            Float::Bf16 => {
                let halves = bytemuck::cast_slice_mut::<u128, u16>(&mut memory.bytes);
                for (half, value) in halves.iter_mut().zip(values) {
                    *half = bf16::from_f32(*value).to_bits();
                }
            }
        }
        memory
    }

    pub(crate) fn zeros(count: usize) -> Self {
        Self::new(Float::F32, &vec![0.0; count])
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::of(self.bytes.as_mut_ptr())
    }

    /// As the kernels see them.
    pub(crate) fn values(&self) -> Vec<f32> {
        match self.dtype {
            Float::F32 => bytemuck::cast_slice(&self.bytes)[..self.count].to_vec(),
            Float::Bf16 => {
                let halves: &[u16] = &bytemuck::cast_slice(&self.bytes)[..self.count];
                halves.iter().map(|&half| bf16::from_bits(half).to_f32()).collect()
            }
        }
    }

    fn floats_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.bytes)[..self.count]
    }
}

/// Bytes from an address that is a multiple of 16.
pub(crate) struct Bytes(Vec<u128>);

impl Bytes {
    pub(crate) fn new(values: &[i8]) -> Self {
        let mut bytes = vec![0; values.len().div_ceil(16)];
        bytemuck::cast_slice_mut::<u128, i8>(&mut bytes)[..values.len()].copy_from_slice(values);
        Self(bytes)
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::of(self.0.as_mut_ptr())
    }
}

pub(crate) const TYPES: [Float; 2] = [Float::F32, Float::Bf16];

/// Queues that run threads in every kind of order.
pub(crate) fn queues() -> [Queue; 4] {
    [Order::Forwards, Order::Backwards, Order::Shuffled(1), Order::Shuffled(2)].map(Queue::Emulated)
}

/// Compares with exact values; an error may be `bound` of the sizes that go with them.
pub(crate) fn assert_near(found: &[f32], exact: &[f64], sizes: &[f64], bound: f64, what: &str) {
    assert_eq!((found.len(), sizes.len()), (exact.len(), exact.len()), "{what}");
    for (index, ((found, exact), size)) in found.iter().zip(exact).zip(sizes).enumerate() {
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= bound * size, "{what} {index}: {found}, expected {exact}");
    }
}
