//! Numbers for tests, in memory that kernels may read.

use std::marker::PhantomData;

use bytemuck::Pod;
use half::bf16;
use tts_cuda::{Address, Float};

use crate::place::Room;
pub(crate) use crate::place::queues;

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
pub(crate) struct Memory {
    room: Room,
    dtype: Float,
    count: usize,
}

impl Memory {
    pub(crate) fn new(dtype: Float, values: &[f32]) -> Self {
        let room = match dtype {
            Float::F32 => Room::new(bytemuck::cast_slice(values)),
            Float::Bf16 => {
                let halves = values.iter().map(|&value| bf16::from_f32(value).to_bits());
                Room::new(bytemuck::cast_slice(&halves.collect::<Vec<u16>>()))
            }
        };
        Self { room, dtype, count: values.len() }
    }

    pub(crate) fn zeros(count: usize) -> Self {
        Self::new(Float::F32, &vec![0.0; count])
    }

    pub(crate) fn address(&mut self) -> Address {
        self.room.address()
    }

    /// As the kernels see them.
    pub(crate) fn values(&self) -> Vec<f32> {
        match self.dtype {
            Float::F32 => bytemuck::cast_slice(&self.room.bytes()[..4 * self.count]).to_vec(),
            Float::Bf16 => {
                let halves: &[u16] = bytemuck::cast_slice(&self.room.bytes()[..2 * self.count]);
                halves.iter().map(|&half| bf16::from_bits(half).to_f32()).collect()
            }
        }
    }
}

/// Integers from an address that is a multiple of 16.
pub(crate) struct Integers<T> {
    room: Room,
    count: usize,
    is: PhantomData<T>,
}

impl<T: Pod> Integers<T> {
    pub(crate) fn new(values: &[T]) -> Self {
        Self { room: Room::new(bytemuck::cast_slice(values)), count: values.len(), is: PhantomData }
    }

    pub(crate) fn address(&mut self) -> Address {
        self.room.address()
    }

    pub(crate) fn values(&self) -> Vec<T> {
        bytemuck::cast_slice(&self.room.bytes()[..size_of::<T>() * self.count]).to_vec()
    }
}

pub(crate) const TYPES: [Float; 2] = [Float::F32, Float::Bf16];

/// Compares with exact values; an error may be `bound` of the sizes that go with them.
pub(crate) fn assert_near(found: &[f32], exact: &[f64], sizes: &[f64], bound: f64, what: &str) {
    assert_eq!((found.len(), sizes.len()), (exact.len(), exact.len()), "{what}");
    for (index, ((found, exact), size)) in found.iter().zip(exact).zip(sizes).enumerate() {
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= bound * size, "{what} {index}: {found}, expected {exact}");
    }
}
