//! Multiplies matrices in 8 and in 4 bits on a team of threads, with all instructions that this
//! processor has, and says how fast the weights are read:
//! `cargo run --release -p tts-cpu --example multiply -- [THREADS] [ROWS] [COLUMNS]`.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use tts_cpu::{Inputs, Kernels, Matrix, Pool, Scheme};

/// Weights of all matrices together: more than caches hold.
const WEIGHTS: usize = 512 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let number = |index: usize, or: usize| numbers.get(index).copied().unwrap_or(or);
    let pool = Pool::new(number(0, 2))?;
    let (rows, columns) = (number(1, 3072), number(2, 1024));
    let weights: Vec<f32> =
        (0..rows * columns).map(|i| ((i * 7919) % 255) as f32 - 127.0).collect();
    for scheme in [Scheme::Q8, Scheme::Q4] {
        // Each has bytes of its own, which a clone would not.
        let mut matrices = (0..=WEIGHTS / (rows * columns).max(1))
            .map(|_| Matrix::pack(scheme, rows, columns, &weights))
            .collect::<Result<Vec<_>, _>>()?;
        // The portable ones come first, and are much slower than any others.
        let skipped = usize::from(Kernels::available().count() > 1);
        for kernels in Kernels::available().skip(skipped) {
            matrices = matrices.into_iter().map(|matrix| matrix.with_kernels(kernels)).collect();
            for batch in [1, 2, 3, 4, 8] {
                let seconds = seconds(&pool, &matrices, batch)?;
                let bytes: usize = matrices.iter().map(Matrix::bytes).sum();
                let products = rows * columns * batch * matrices.len();
                println!(
                    "{scheme:?} {rows}x{columns} {kernels:?} batch {batch}: {:.1} GB/s, {:.1} GMAC/s, {:.1} us a matrix",
                    bytes as f64 / seconds / 1e9,
                    products as f64 / seconds / 1e9,
                    seconds / matrices.len() as f64 * 1e6,
                );
            }
        }
    }
    Ok(())
}

/// The least time of seven in which all matrices are multiplied, one after the other.
fn seconds(pool: &Pool, matrices: &[Matrix], batch: usize) -> Result<f64, Box<dyn Error>> {
    let Some(first) = matrices.first() else { return Ok(0.0) };
    let (rows, columns) = (first.rows(), first.columns());
    let mut inputs = Inputs::new(columns);
    inputs.set(first.scheme(), &vec![0.5; columns * batch])?;
    let outputs: Vec<AtomicU32> = (0..rows * batch).map(|_| AtomicU32::new(0)).collect();
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let started = Instant::now();
        pool.run(|member| {
            for matrix in matrices {
                let tiles = member.share(matrix.tiles());
                let fits = matrix.multiply_tiles(&inputs, tiles, |vector, row, values| {
                    for (output, value) in outputs[vector * rows + row..].iter().zip(values) {
                        output.store(value.to_bits(), Relaxed);
                    }
                });
                debug_assert!(fits.is_ok());
                member.wait();
            }
        });
        best = best.min(started.elapsed().as_secs_f64());
    }
    Ok(best)
}
