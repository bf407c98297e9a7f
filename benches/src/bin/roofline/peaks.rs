//! What this machine can do at most.

use std::hint::black_box;
use std::time::Instant;

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

/// More than any cache holds.
const BUFFER_BYTES: usize = 512 << 20;
/// Read by one thread at a time; small enough that threads end together.
const BLOCK_VALUES: usize = 64 << 10;
const ROUNDS: usize = 7;
/// Independent sums: enough to hide the latency of a multiply-add.
const CHAINS: usize = 12;
const STEPS: usize = 2_000_000;

/// The two roofs, over all threads.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Peaks {
    /// Bytes read from memory, in 10⁹ a second.
    pub(crate) bandwidth_gb_s: f64,
    /// Operations in f32, two for a multiply-add, in 10⁹ a second.
    pub(crate) fma_gflop_s: f64,
}

impl Peaks {
    /// The least time for so much work, in milliseconds.
    pub(crate) fn least_ms(&self, bytes: f64, flops: f64) -> f64 {
        let reading = bytes / self.bandwidth_gb_s;
        let computing = flops / self.fma_gflop_s;
        reading.max(computing) / 1e6
    }
}

/// Finds out how fast memory is read. Where others share it, that changes from second to second, so
/// it is measured between the utterances whose roof it is, and the middle of all measurements counts.
pub(crate) struct Reading {
    values: Vec<u64>,
    rates: Vec<f64>,
}

impl Reading {
    pub(crate) fn new() -> Self {
        let values = (0..BUFFER_BYTES / size_of::<u64>()).map(|i| i as u64).collect();
        Self { values, rates: Vec::new() }
    }

    /// Measures for a fraction of a second.
    pub(crate) fn measure(&mut self) {
        let blocks: Vec<&[u64]> = self.values.chunks(BLOCK_VALUES).collect();
        self.rates.push(best(BUFFER_BYTES as f64, || {
            let sum = blocks.par_iter().map(|block| sum(block)).reduce(|| 0, u64::wrapping_add);
            black_box(sum);
        }));
    }

    /// The roofs, with what is computed at most.
    pub(crate) fn peaks(mut self) -> Peaks {
        self.rates.sort_unstable_by(f64::total_cmp);
        let middle = self.rates.get(self.rates.len() / 2).copied();
        Peaks { bandwidth_gb_s: middle.unwrap_or_default(), fma_gflop_s: multiply_adds() }
    }
}

fn sum(block: &[u64]) -> u64 {
    let mut sums = [0_u64; 16];
    for values in block.as_chunks::<16>().0 {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(*value);
        }
    }
    sums.into_iter().fold(0, u64::wrapping_add)
}

fn multiply_adds() -> f64 {
    let threads = rayon::current_num_threads();
    let per_step = (CHAINS * lanes() * 2) as f64;
    best(per_step * (STEPS * threads) as f64, || {
        (0..threads).into_par_iter().for_each(|thread| {
            black_box(chains(thread as f32));
        });
    })
}

/// The most work in a second, in 10⁹.
fn best(work: f64, mut run: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        run();
        started.elapsed().as_secs_f64()
    });
    work / times.fold(f64::INFINITY, f64::min) / 1e9
}

#[cfg(target_arch = "x86_64")]
fn lanes() -> usize {
    if has_fma() { 8 } else { 1 }
}

#[cfg(target_arch = "x86_64")]
fn has_fma() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn chains(seed: f32) -> f32 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm256_storeu_ps};

    #[target_feature(enable = "avx2,fma")]
    fn vectors(seed: f32) -> f32 {
        let (factor, term) = (_mm256_set1_ps(0.999), _mm256_set1_ps(0.001));
        let mut sums = [_mm256_set1_ps(seed); CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, term);
            }
        }
        let mut lanes = [0.0; 8 * CHAINS];
        for (lanes, sum) in lanes.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
            // SAFETY: there is room for the eight values.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
        }
        lanes.iter().sum()
    }

    // SAFETY: the processor has what the function needs.
    if has_fma() { unsafe { vectors(seed) } } else { scalars(seed) }
}

#[cfg(not(target_arch = "x86_64"))]
fn lanes() -> usize {
    4
}

#[cfg(not(target_arch = "x86_64"))]
fn chains(seed: f32) -> f32 {
    (0..4).map(|lane| scalars(seed + lane as f32)).sum()
}

fn scalars(seed: f32) -> f32 {
    let mut sums = [seed; CHAINS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = sum.mul_add(0.999, 0.001);
        }
    }
    sums.iter().sum()
}
