//! Products against exact ones, and the kernels against each other.

mod numbers;

use numbers::numbers;
use tts_cpu::{Inputs, Kernels, Matrix, Scheme};

const SHAPES: [(usize, usize); 7] =
    [(1, 1), (8, 128), (7, 31), (9, 129), (24, 192), (40, 640), (3, 1000)];

fn product(matrix: &Matrix, inputs: &Inputs) -> Vec<f32> {
    let mut outputs = vec![f32::NAN; inputs.len() * matrix.rows()];
    matrix.multiply(inputs, &mut outputs).expect("fitting shapes");
    outputs
}

#[test]
fn products_are_near_the_exact_ones() {
    for (scheme, bound) in [(Scheme::Q8, 0.004), (Scheme::Q4, 0.11)] {
        for (rows, columns) in SHAPES {
            let weights = numbers(rows * columns, 1);
            let vector = numbers(columns, 2);
            let matrix = Matrix::pack(scheme, rows, columns, &weights).expect("whole rows");
            let mut inputs = Inputs::new(columns);
            inputs.set(scheme, &vector).expect("one vector");
            let norm = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>().sqrt();
            for (row, output) in weights.chunks(columns).zip(product(&matrix, &inputs)) {
                let exact: f32 = row.iter().zip(&vector).map(|(w, x)| w * x).sum();
                // Errors add up like steps at random.
                let typical = norm(row) * norm(&vector) / (columns as f32).sqrt();
                let error = (output - exact).abs() / typical;
                assert!(error < bound * 4.0, "{scheme:?} {rows}x{columns}: {error}");
            }
        }
    }
}

#[test]
fn all_kernels_and_batches_agree_bit_for_bit() {
    for scheme in [Scheme::Q8, Scheme::Q4] {
        for (rows, columns) in SHAPES {
            let weights = numbers(rows * columns, 3);
            let matrix = Matrix::pack(scheme, rows, columns, &weights).expect("whole rows");
            let others: Vec<_> =
                Kernels::available().map(|k| (k, matrix.clone().with_kernels(k))).collect();
            for count in 0..=15 {
                let vectors = numbers(count * columns, 4);
                let mut inputs = Inputs::new(columns);
                inputs.set(scheme, &vectors).expect("whole vectors");
                let together = product(&matrix, &inputs);
                for (kernels, matrix) in &others {
                    let outputs = product(matrix, &inputs);
                    assert_eq!(outputs, together, "{kernels:?} {scheme:?} {rows}x{columns}");
                }
                for (vector, outputs) in vectors.chunks(columns).zip(together.chunks(rows)) {
                    inputs.set(scheme, vector).expect("one vector");
                    assert_eq!(product(&matrix, &inputs), outputs);
                }
            }
        }
    }
}

#[test]
fn some_tiles_give_what_all_of_them_do() {
    let (rows, columns, count) = (70, 100, 3);
    for scheme in [Scheme::Q8, Scheme::Q4] {
        let matrix =
            Matrix::pack(scheme, rows, columns, &numbers(rows * columns, 5)).expect("rows");
        let mut inputs = Inputs::new(columns);
        inputs.set(scheme, &numbers(count * columns, 6)).expect("whole vectors");
        let all = product(&matrix, &inputs);
        for start in 0..=matrix.tiles() {
            for end in start..=matrix.tiles() + 1 {
                let mut some = vec![f32::NAN; count * rows];
                let sink = |vector: usize, row: usize, values: &[f32]| {
                    some[vector * rows + row..][..values.len()].copy_from_slice(values);
                };
                matrix.multiply_tiles(&inputs, start..end, sink).expect("fitting shapes");
                for (index, (some, all)) in some.iter().zip(&all).enumerate() {
                    let is_meant = (8 * start..8 * end).contains(&(index % rows));
                    assert!(if is_meant { some == all } else { some.is_nan() }, "{start} {end}");
                }
            }
        }
    }
}

#[test]
fn extreme_weights_do_not_overflow() {
    let weights = vec![1.0_f32; 8 * 1024];
    let signs: Vec<f32> = (0..8 * 1024).map(|i| if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
    for scheme in [Scheme::Q8, Scheme::Q4] {
        for weights in [&weights[..], &signs] {
            for sign in [1.0_f32, -1.0] {
                let matrix = Matrix::pack(scheme, 8, 1024, weights).expect("whole rows");
                let mut inputs = Inputs::new(1024);
                inputs.set(scheme, &[sign; 1024]).expect("one vector");
                for kernels in Kernels::available() {
                    let outputs = product(&matrix.clone().with_kernels(kernels), &inputs);
                    for (row, output) in weights.chunks(1024).zip(outputs) {
                        let exact = sign * row.iter().sum::<f32>();
                        let slack = if scheme == Scheme::Q8 { 1e-4 } else { 0.08 };
                        assert!((output - exact).abs() <= 1024.0 * slack, "{output} {exact}");
                    }
                }
            }
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let error = Matrix::pack(Scheme::Q8, 2, 3, &[0.0; 5]).expect_err("five of six");
    assert_eq!(error.to_string(), "weights of a matrix: 5, expected 6");
    let matrix = Matrix::pack(Scheme::Q4, 2, 3, &[0.0; 6]).expect("six");
    let mut inputs = Inputs::new(4);
    inputs.set(Scheme::Q4, &[0.0; 4]).expect("one vector");
    assert!(matrix.multiply(&inputs, &mut [0.0; 2]).is_err());
    let inputs = Inputs::new(3);
    assert!(matrix.multiply(&inputs, &mut [0.0; 2]).is_err());
    assert!(matrix.multiply(&inputs, &mut []).is_ok());
    let mut inputs = Inputs::new(3);
    inputs.set(Scheme::Q8, &[0.0; 3]).expect("one vector");
    let error = matrix.multiply(&inputs, &mut [0.0; 2]).expect_err("another scheme");
    assert_eq!(error.to_string(), "bits of an input: 16, expected 8");
}
