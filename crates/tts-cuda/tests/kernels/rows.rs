//! What is done with whole rows.

use crate::memory::{Memory, TYPES, assert_near, numbers, queues};
use tts_cuda::{Address, Embed, Float, NextInput, RmsNorm, advance};

#[test]
fn rows_of_tables_are_taken_and_added() {
    for dtype in TYPES {
        for (entries, width) in [(1, 1), (5, 33), (9, 600)] {
            let mut tokens = [0_u32, entries as u32 - 1, entries as u32 / 2, u32::MAX];
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
                        tokens: Address::of(tokens.as_mut_ptr()),
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
    let (width, stride) = (270, 3);
    let lengths = [1_u32, 4, 2];
    let mut texts =
        lengths.map(|length| Memory::new(Float::F32, &numbers(length as usize * width, length)));
    let mut addresses = texts.each_mut().map(|text| text.address().0);
    for drawn in [1_u32, 2, 4, 9] {
        let mut sum = Memory::new(Float::F32, &numbers(3 * width, 7));
        let mut x = Memory::zeros(3 * width);
        let mut counts = [drawn; 9];
        let mut of_rows = lengths;
        let next = NextInput {
            sum: sum.address(),
            texts: Address::of(addresses.as_mut_ptr()),
            lengths: Address::of(of_rows.as_mut_ptr()),
            drawn: Address::of(counts.as_mut_ptr()),
            stride,
            rows: 3,
            width: width as u32,
            x: x.address(),
        };
        // SAFETY: the memory has these sizes and outlives the kernel.
        unsafe { next.launch(&queues()[2]) }.expect("a launch");
        let (x, sum) = (x.values(), sum.values());
        for (row, text) in texts.iter().map(Memory::values).enumerate() {
            let index = drawn.min(lengths[row]) as usize - 1;
            for i in 0..width {
                let expected = sum[row * width + i] + text[index * width + i];
                assert_eq!(x[row * width + i], expected);
            }
        }
    }
}

#[test]
fn norms_are_near_the_exact_ones() {
    for width in [1, 31, 256, 1000] {
        let (x, weights) = (numbers(3 * width, 1), numbers(width, 2));
        let exact: Vec<f64> = (x.chunks(width))
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
                x: x.address(),
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

#[test]
fn positions_advance() {
    let mut positions: Vec<u32> = (0..70).collect();
    for queue in queues() {
        // SAFETY: as many positions as rows.
        unsafe { advance(&queue, Address::of(positions.as_mut_ptr()), 69) }.expect("a launch");
    }
    let expected: Vec<u32> = (0..69).map(|row| row + 4).chain([69]).collect();
    assert_eq!(positions, expected);
}
