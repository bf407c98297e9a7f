//! What is done with whole rows.

use crate::memory::{Integers, Memory, TYPES, assert_near, numbers, queues};
use tts_cuda::{Embed, Float, Keep, NextInput, Put, RmsNorm, advance};

#[test]
fn rows_of_tables_are_taken_and_added() {
    for dtype in TYPES {
        for (entries, width) in [(1, 1), (5, 33), (9, 600)] {
            let tokens = [0_u32, entries as u32 - 1, entries as u32 / 2, u32::MAX];
            let mut of_rows = Integers::new(&tokens);
            let mut table = Memory::new(dtype, &numbers(entries * width, 1));
            let before = numbers(tokens.len() * width, 2);
            for queue in queues() {
                let (mut y, mut sum) =
                    (Memory::zeros(before.len()), Memory::new(Float::F32, &before));
                for (y, sum) in [(Some(y.address()), None), (None, Some(sum.address()))] {
                    let embed = Embed {
                        table: table.address(),
                        dtype,
                        entries: entries as u32,
                        width: width as u32,
                        tokens: of_rows.address(),
                        rows: tokens.len() as u32,
                        y,
                        sum,
                    };
                    // SAFETY: the memory has these sizes and outlives the kernel.
                    unsafe { embed.launch(&queue) }.expect("a launch");
                }
                let table = table.values();
                // A token without a row counts as the last one.
                let rows = tokens.map(|token| (token as usize).min(entries - 1));
                let taken = rows.map(|row| table[row * width..(row + 1) * width].to_vec()).concat();
                assert_eq!(y.values(), taken);
                let added: Vec<f32> = taken.iter().zip(&before).map(|(a, b)| b + a).collect();
                assert_eq!(sum.values(), added);
            }
        }
    }
}

#[test]
fn texts_follow_the_frames_and_end_with_their_last_row() {
    let (rows, width, steps) = (3, 270, 4);
    let mut texts = Memory::new(Float::F32, &numbers(steps * rows * width, 1));
    let mut sum = Memory::new(Float::F32, &numbers(rows * width, 7));
    for count in [0_u32, 1, 3, 9] {
        let mut counted = Integers::new(&[count]);
        for queue in queues() {
            let mut x = Memory::zeros(rows * width);
            let next = NextInput {
                sum: sum.address(),
                texts: texts.address(),
                steps: steps as u32,
                count: counted.address(),
                rows: rows as u32,
                width: width as u32,
                x: x.address(),
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { next.launch(&queue) }.expect("a launch");
            let step = (count as usize).min(steps - 1);
            let text = texts.values()[step * rows * width..(step + 1) * rows * width].to_vec();
            let expected: Vec<f32> = sum.values().iter().zip(text).map(|(s, t)| s + t).collect();
            assert_eq!(x.values(), expected);
        }
    }
}

#[test]
fn rows_are_put_apart() {
    let (rows, width, stride) = (3, 270, 300);
    let mut from = Memory::new(Float::F32, &numbers(rows * width, 7));
    for queue in queues() {
        let mut to = Memory::zeros(rows * stride);
        let put = Put {
            from: from.address(),
            rows: rows as u32,
            width: width as u32,
            to: to.address(),
            stride: stride as u32,
        };
        // SAFETY: the memory has these sizes and outlives the kernel.
        unsafe { put.launch(&queue) }.expect("a launch");
        for (put, from) in to.values().chunks(stride).zip(from.values().chunks(width)) {
            assert_eq!(put[..width], *from);
            assert!(put[width..].iter().all(|&value| value == 0.0));
        }
    }
}

#[test]
fn what_is_kept_has_its_place() {
    let (width, steps) = (300, 3_usize);
    let mut log = Integers::new(&vec![0_u32; steps * width]);
    let mut count = Integers::new(&[0_u32]);
    for step in 0..5 {
        let mut from = Integers::new(&vec![step + 1; width]);
        let keep = Keep {
            from: from.address(),
            width: width as u32,
            count: count.address(),
            steps: steps as u32,
            log: log.address(),
        };
        let queue = &queues()[step as usize % 4];
        // SAFETY: the memory has these sizes and outlives the kernels.
        unsafe { keep.launch(queue) }.expect("a launch");
        // SAFETY: as before.
        unsafe { advance(queue, count.address()) }.expect("a launch");
    }
    assert_eq!(count.values(), [5]);
    // Later steps take the place of the last.
    let expected = [1, 2, 5].map(|step| vec![step; width]).concat();
    assert_eq!(log.values(), expected);
}

#[test]
fn norms_are_near_the_exact_ones() {
    for width in [1, 31, 256, 1000] {
        // Of two rows, the last is taken.
        let (x, weights) = (numbers(6 * width, 1), numbers(width, 2));
        let exact: Vec<f64> = (x.chunks(width).skip(1).step_by(2))
            .flat_map(|x| {
                let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / width as f64;
                let scale = 1.0 / (mean + 1e-6_f32 as f64).sqrt();
                x.iter().zip(&weights).map(move |(&x, &w)| f64::from(x) * scale * f64::from(w))
            })
            .collect();
        for queue in queues() {
            let mut y = Memory::zeros(3 * width);
            let [mut x, mut weights] = [&x, &weights].map(|x| Memory::new(Float::F32, x));
            let norm = RmsNorm {
                x: x.address().after(width * size_of::<f32>()),
                stride: 2 * width as u32,
                weights: weights.address(),
                epsilon: 1e-6,
                rows: 3,
                width: width as u32,
                y: y.address(),
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { norm.launch(&queue) }.expect("a launch");
            assert_near(&y.values(), &exact, &vec![2.0; exact.len()], 4e-7, &format!("{width}"));
        }
    }
}
