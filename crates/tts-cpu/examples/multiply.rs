//! Multiplies a matrix in 8 and in 4 bits on a team of threads, and says how fast its weights
//! are read: `cargo run --release -p tts-cpu --example multiply -- [THREADS] [ROWS] [COLUMNS]`.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use tts_cpu::{Inputs, Matrix, Pool, Scheme};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let number = |index: usize, or: usize| numbers.get(index).copied().unwrap_or(or);
    let pool = Pool::new(number(0, 2))?;
    let (rows, columns) = (number(1, 3072), number(2, 1024));
    let weights: Vec<f32> =
        (0..rows * columns).map(|i| ((i * 7919) % 255) as f32 - 127.0).collect();
    for scheme in [Scheme::Q8, Scheme::Q4] {
        // Several, so that they do not stay in the caches.
        let one = Matrix::pack(scheme, rows, columns, &weights)?;
        let matrices = vec![one; (64 << 20) / (rows * columns).max(1) + 1];
        for batch in [1, 2, 3, 4, 8] {
            let mut inputs = Inputs::new(columns);
            inputs.set(scheme, &vec![0.5; columns * batch])?;
            let outputs: Vec<AtomicU32> = (0..rows * batch).map(|_| AtomicU32::new(0)).collect();
            let mut best = f64::INFINITY;
            for _ in 0..7 {
                let started = Instant::now();
                pool.run(|member| {
                    for matrix in &matrices {
                        let tiles = member.share(matrix.tiles());
                        let fits = matrix.multiply_tiles(&inputs, tiles, |vector, row, values| {
                            for (output, value) in outputs[vector * rows + row..].iter().zip(values)
                            {
                                output.store(value.to_bits(), Relaxed);
                            }
                        });
                        debug_assert!(fits.is_ok());
                        member.wait();
                    }
                });
                best = best.min(started.elapsed().as_secs_f64());
            }
            let bytes: usize = matrices.iter().map(Matrix::bytes).sum();
            let products = rows * columns * batch * matrices.len();
            println!(
                "{scheme:?} {rows}x{columns} batch {batch}: {:.1} GB/s, {:.1} GMAC/s, {:.1} us a matrix",
                bytes as f64 / best / 1e9,
                products as f64 / best / 1e9,
                best / matrices.len() as f64 * 1e6,
            );
        }
    }
    Ok(())
}
