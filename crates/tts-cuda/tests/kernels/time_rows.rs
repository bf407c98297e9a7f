//! Signals of many channels, one row for each time.

use crate::memory::{Integers, Memory, assert_near, numbers, queues};
use tts_cuda::{Carry, DepthwiseNorm, Float, SumCodes, Transpose};

#[test]
fn entries_of_codes_are_added_up() {
    for (books, entries, width) in [(1, 1, 1), (3, 5, 33), (16, 7, 300)] {
        let (rows, stride) = (4, books + 2);
        let mut codes: Vec<u32> =
            (0..rows * stride).map(|i| (i * 5 % (entries + 2)) as u32).collect();
        codes[0] = u32::MAX;
        let mut of_rows = Integers::new(&codes);
        let tables = numbers(books * entries * width, 1);
        for queue in queues() {
            let (mut y, mut memory) =
                (Memory::zeros(rows * width), Memory::new(Float::F32, &tables));
            let sum = SumCodes {
                tables: memory.address(),
                books: books as u32,
                entries: entries as u32,
                width: width as u32,
                codes: of_rows.address(),
                stride: stride as u32,
                rows: rows as u32,
                y: y.address(),
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { sum.launch(&queue) }.expect("a launch");
            let expected = codes.chunks(stride).flat_map(|codes| {
                let mut sums = vec![0.0; width];
                for (book, &code) in codes[..books].iter().enumerate() {
                    let entry = book * entries + (code as usize).min(entries - 1);
                    let entry = &tables[entry * width..(entry + 1) * width];
                    sums.iter_mut().zip(entry).for_each(|(sum, value)| *sum += value);
                }
                sums
            });
            assert_eq!(y.values(), expected.collect::<Vec<f32>>());
        }
    }
}

const EPSILON: f32 = 1e-6;

/// The norms of rows after a convolution of every channel, exactly.
fn exact(x: &[f32], [weights, bias, norm, norm_bias]: &[Vec<f32>; 4], width: usize) -> Vec<f64> {
    let taps = weights.len() / width;
    let rows = x.len() / width + 1 - taps;
    let row = |row: usize| {
        let of = |channel: usize| {
            let product = |tap: usize| {
                f64::from(weights[tap * width + channel])
                    * f64::from(x[(row + tap) * width + channel])
            };
            (0..taps).map(product).sum::<f64>() + f64::from(bias[channel])
        };
        let values: Vec<f64> = (0..width).map(of).collect();
        let mean = values.iter().sum::<f64>() / width as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        let scale = 1.0 / (variance + f64::from(EPSILON)).sqrt();
        let of_norm = norm.iter().zip(norm_bias);
        let normed = values.iter().zip(of_norm);
        normed
            .map(|(x, (n, b))| (x - mean) * scale * f64::from(*n) + f64::from(*b))
            .collect::<Vec<_>>()
    };
    (0..rows).flat_map(row).collect()
}

#[test]
fn channels_are_convolved_and_normed() {
    for (taps, rows, width) in [(1, 1, 1), (7, 1, 300), (7, 5, 40), (3, 2, 1024)] {
        let x = numbers((taps - 1 + rows) * width, 1);
        let parts =
            [numbers(taps * width, 2), numbers(width, 3), numbers(width, 4), numbers(width, 5)];
        let expected = exact(&x, &parts, width);
        // A single channel is its own mean.
        let sizes: Vec<f64> = expected.iter().map(|x| x.abs() + 2.0).collect();
        let mut first = None;
        for queue in queues() {
            let mut y = Memory::zeros(rows * width);
            let mut memory = Memory::new(Float::F32, &x);
            let [mut weights, mut bias, mut norm, mut norm_bias] =
                parts.clone().map(|part| Memory::new(Float::F32, &part));
            let launch = DepthwiseNorm {
                x: memory.address(),
                weights: weights.address(),
                bias: bias.address(),
                taps: taps as u32,
                norm: [norm.address(), norm_bias.address()],
                epsilon: EPSILON,
                rows: rows as u32,
                width: width as u32,
                y: y.address(),
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { launch.launch(&queue) }.expect("a launch");
            let found = y.values();
            assert_near(&found, &expected, &sizes, 2e-6, &format!("{taps} {rows} {width}"));
            assert_eq!(first.get_or_insert(found.clone()), &found);
        }
    }
}

#[test]
fn the_last_rows_come_first() {
    for (keep, rows, width) in [(6, 1, 300), (6, 4, 3), (2, 2, 8), (2, 9, 257), (0, 3, 5)] {
        let x = numbers((keep + rows) * width, 1);
        for queue in queues() {
            let mut memory = Memory::new(Float::F32, &x);
            let [rows, keep, width] = [rows, keep, width].map(|size| size as u32);
            let carry = Carry { x: memory.address(), rows, keep, width };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { carry.launch(&queue) }.expect("a launch");
            let (rows, keep) = ((rows * width) as usize, (keep * width) as usize);
            assert_eq!(memory.values()[..keep], x[rows..]);
            assert_eq!(memory.values()[keep..], x[keep..]);
        }
    }
}

#[test]
fn rows_become_columns() {
    for (rows, columns) in [(1, 1), (1, 100), (33, 31), (70, 5), (64, 96)] {
        let x = numbers(rows * columns, 1);
        for queue in queues() {
            let (mut memory, mut y) = (Memory::new(Float::F32, &x), Memory::zeros(rows * columns));
            let transpose = Transpose {
                x: memory.address(),
                rows: rows as u32,
                columns: columns as u32,
                y: y.address(),
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { transpose.launch(&queue) }.expect("a launch");
            let expected =
                (0..rows * columns).map(|i| x[i % rows * columns + i / rows]).collect::<Vec<_>>();
            assert_eq!(y.values(), expected);
        }
    }
}
