//! Attention of one token of every row against exact sums.

use crate::memory::{Integers, Memory, TYPES, assert_near, numbers, queues};
use tts_cuda::{Attend, Caches, Float, Queue};

const LAYERS: usize = 2;
const LAYER: usize = 1;
const EPSILON: f32 = 1e-6;

#[derive(Debug, Clone, Copy)]
struct Case {
    dtype: Float,
    heads: usize,
    kv_heads: usize,
    width: usize,
    has_norms: bool,
    /// Positions that a token sees.
    window: Option<usize>,
    /// Position and capacity of each row; positions are told in parts.
    rows: &'static [(usize, usize)],
}

/// What a launch leaves.
#[derive(PartialEq)]
struct Left {
    mixed: Vec<f32>,
    caches: Vec<Vec<f32>>,
}

impl Case {
    fn longest(self) -> usize {
        let longest = self.rows.iter().map(|row| row.1).max().expect("a row");
        self.window.unwrap_or(longest)
    }

    /// Positions that a row sees.
    fn seen(self, row: usize) -> std::ops::RangeInclusive<usize> {
        let position = self.rows[row].0;
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))..=position
    }

    fn qkv(self) -> Vec<f32> {
        numbers(self.rows.len() * (self.heads + 2 * self.kv_heads) * self.width, 1)
    }

    fn norms(self) -> [Vec<f32>; 2] {
        [numbers(self.width, 2), numbers(self.width, 3)]
    }

    /// Cosines and sines of some angles.
    fn turns(self) -> [Vec<f32>; 2] {
        let furthest = self.rows.iter().map(|row| row.0).max().expect("a row");
        let angles = numbers((furthest + 1) * self.width / 2, 4);
        [f32::cos, f32::sin].map(|of| angles.iter().map(|angle| of(angle * 3.0)).collect())
    }

    fn cache(self, row: usize) -> Memory {
        let count = LAYERS * 2 * self.kv_heads * self.rows[row].1 * self.width;
        Memory::new(self.dtype, &numbers(count, 10 + row as u32))
    }

    fn run(self, queue: &Queue, rows: std::ops::Range<usize>) -> Left {
        let each = (self.heads + 2 * self.kv_heads) * self.width;
        let mut qkv = Memory::new(Float::F32, &self.qkv()[rows.start * each..rows.end * each]);
        let [mut query_norm, mut key_norm] = self.norms().map(|x| Memory::new(Float::F32, &x));
        let [mut cosines, mut sines] = self.turns().map(|x| Memory::new(Float::F32, &x));
        let mut caches: Vec<Memory> = rows.clone().map(|row| self.cache(row)).collect();
        let addresses: Vec<u64> = caches.iter_mut().map(|cache| cache.address().0).collect();
        let of_rows = &self.rows[rows];
        // Every row is at the same distance from where it began.
        let nearest = of_rows.iter().map(|row| row.0 as u32).min().expect("a row");
        let (offset, counted) = (nearest / 3, nearest / 2);
        let begun = |row: &(usize, usize)| row.0 as u32 - offset - counted;
        let positions: Vec<u32> = of_rows.iter().map(begun).collect();
        let capacities: Vec<u32> = of_rows.iter().map(|row| row.1 as u32).collect();
        let count = of_rows.len();
        let mut mixed = Memory::zeros(count * self.heads * self.width);
        let [heads, width, longest] = [self.heads, self.width, self.longest()].map(|x| x as u32);
        let mut parts = Memory::zeros(Attend::parts(count as u32, heads, width, longest));
        let mut arrived = Integers::new(&vec![0_u32; count * self.kv_heads]);
        let mut addresses = Integers::new(&addresses);
        let [mut positions, mut capacities] = [&positions, &capacities].map(|x| Integers::new(x));
        let mut count_of_steps = Integers::new(&[counted]);
        let attend = Attend {
            qkv: qkv.address(),
            head_norms: self.has_norms.then(|| [query_norm.address(), key_norm.address()]),
            epsilon: EPSILON,
            caches: Caches {
                caches: addresses.address(),
                capacities: capacities.address(),
                positions: positions.address(),
                offset,
                count: (counted > 0).then(|| count_of_steps.address()),
                window: self.window.map(|window| window as u32),
                dtype: self.dtype,
                longest,
                cosines: cosines.address(),
                sines: sines.address(),
                shared: !self.kv_heads.is_multiple_of(2),
            },
            layer: LAYER as u32,
            rows: count as u32,
            heads,
            kv_heads: self.kv_heads as u32,
            head_dim: width,
            mixed: mixed.address(),
            parts: parts.address(),
            arrived: arrived.address(),
        };
        // Twice: what is counted has to be 0 again.
        for _ in 0..2 {
            // SAFETY: the memory has the sizes of the case and outlives the kernel.
            unsafe { attend.launch(queue) }.expect("a launch");
        }
        assert!(arrived.values().iter().all(|&arrived| arrived == 0));
        Left { mixed: mixed.values(), caches: caches.iter().map(Memory::values).collect() }
    }

    /// A head, normed and turned.
    fn turned(self, head: &[f32], norm: &[f32], position: usize) -> Vec<f64> {
        let (half, width) = (self.width / 2, self.width);
        let mean = head.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / width as f64;
        let scale = 1.0 / (mean + f64::from(EPSILON)).sqrt();
        let normed = head.iter().zip(norm).map(|(&x, &norm)| {
            f64::from(x) * if self.has_norms { scale * f64::from(norm) } else { 1.0 }
        });
        let normed: Vec<f64> = normed.collect();
        let [cosines, sines] = self.turns();
        let angle = |of: &[f32], index: usize| f64::from(of[position * half + index % half]);
        let other = |index: usize| {
            if index < half { -normed[index + half] } else { normed[index - half] }
        };
        (0..width).map(|i| normed[i] * angle(&cosines, i) + other(i) * angle(&sines, i)).collect()
    }

    /// Mixed values of a row, from its cache afterwards; and the new key.
    fn exact(self, row: usize, cache: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let (width, (position, capacity)) = (self.width, self.rows[row]);
        let each = (self.heads + 2 * self.kv_heads) * width;
        let qkv = self.qkv()[row * each..(row + 1) * each].to_vec();
        let [query_norm, key_norm] = self.norms();
        let stored = |which: usize, head: usize, at: usize| {
            let start = ((2 * LAYER + which) * self.kv_heads + head) * capacity + at % capacity;
            &cache[start * width..(start + 1) * width]
        };
        let mut mixed = Vec::new();
        for head in 0..self.heads {
            let kv_head = head / (self.heads / self.kv_heads);
            let query = self.turned(&qkv[head * width..(head + 1) * width], &query_norm, position);
            let scores: Vec<f64> = (self.seen(row))
                .map(|at| {
                    let key = stored(0, kv_head, at);
                    let score: f64 = query.iter().zip(key).map(|(q, k)| q * f64::from(*k)).sum();
                    (score / (width as f64).sqrt()).exp()
                })
                .collect();
            let total: f64 = scores.iter().sum();
            mixed.extend((0..width).map(|i| {
                let values = self.seen(row).map(|at| f64::from(stored(1, kv_head, at)[i]));
                values.zip(&scores).map(|(value, score)| value * score / total).sum::<f64>()
            }));
        }
        let keys = (0..self.kv_heads).flat_map(|head| {
            let start = (self.heads + head) * width;
            self.turned(&qkv[start..start + width], &key_norm, position)
        });
        (mixed, keys.collect())
    }
}

fn cases() -> impl Iterator<Item = Case> {
    const ROWS: [&[(usize, usize)]; 3] =
        [&[(0, 1)], &[(5, 40), (0, 3), (39, 40)], &[(127, 300), (128, 300), (299, 300), (3, 9)]];
    let shapes = [(1, 1, 2), (6, 2, 16), (4, 4, 20), (8, 1, 64), (4, 2, 128), (3, 3, 250)];
    let all = TYPES.into_iter().flat_map(move |dtype| shapes.map(|shape| (dtype, shape)));
    let all = all.enumerate().map(|(index, (dtype, (heads, kv_heads, width)))| Case {
        dtype,
        heads,
        kv_heads,
        width,
        has_norms: true,
        window: None,
        rows: ROWS[(index + 1) % 3],
    });
    // A window, and the room of a cache behind it: positions before, in and after the first lap.
    let windows: [(usize, &[(usize, usize)]); 4] = [
        (1, &[(0, 1), (7, 1), (9, 4)]),
        (5, &[(3, 8), (4, 5), (5, 5), (8, 8), (23, 9)]),
        (72, &[(70, 80), (79, 80), (80, 80), (1000, 135)]),
        (300, &[(127, 300), (299, 310), (650, 310)]),
    ];
    let windows = windows.into_iter().enumerate().map(|(index, (window, rows))| Case {
        dtype: TYPES[index % 2],
        heads: 4,
        kv_heads: [4, 1][index / 2],
        width: 16,
        has_norms: index == 1,
        window: Some(window),
        rows,
    });
    all.chain(windows)
}

#[test]
fn attention_is_near_the_exact_one() {
    for case in cases() {
        let left = case.run(&queues()[0], 0..case.rows.len());
        let rows = left.caches.iter().zip(left.mixed.chunks(case.heads * case.width));
        for (row, (cache, mixed)) in rows.enumerate() {
            let what = format!("{case:?} row {row}");
            let (exact, keys) = case.exact(row, cache);
            // Mixed values are below 1 in size.
            assert_near(mixed, &exact, &vec![1.0; exact.len()], 3e-6, &what);
            // Only the token's key and value are new, as rounded as the type is.
            let before = case.cache(row).values();
            let (position, capacity) = case.rows[row];
            let (step, each) = (capacity * case.width, case.kv_heads * capacity * case.width);
            for (index, (&after, &before)) in cache.iter().zip(&before).enumerate() {
                let (layer, which) = (index / each / 2, index / each % 2);
                let (head, at, i) =
                    (index % each / step, index % step / case.width, index % case.width);
                if layer != LAYER || at != position % capacity {
                    assert_eq!(after, before, "{what} {index}");
                    continue;
                }
                let start = row * (case.heads + 2 * case.kv_heads) * case.width;
                let value = start + (case.heads + case.kv_heads + head) * case.width + i;
                let exact = match which {
                    0 => keys[head * case.width + i],
                    _ => f64::from(case.qkv()[value]),
                };
                let bound = if case.dtype == Float::F32 { 2e-6 } else { 0.004 };
                let error = (f64::from(after) - exact).abs();
                assert!(error <= bound * exact.abs().max(1.0), "{what} {index}: {after} {exact}");
            }
        }
    }
}

#[test]
fn neighbours_and_the_order_of_threads_do_not_matter() {
    for case in cases() {
        let [forwards, others @ ..] = queues();
        let all = case.run(&forwards, 0..case.rows.len());
        for queue in others {
            assert!(case.run(&queue, 0..case.rows.len()) == all, "{queue:?} {case:?}");
        }
        for row in 0..case.rows.len() {
            let alone = case.run(&forwards, row..row + 1);
            let each = case.heads * case.width;
            assert_eq!(alone.mixed, all.mixed[row * each..(row + 1) * each], "{case:?} {row}");
            assert_eq!(alone.caches[0], all.caches[row], "{case:?} {row}");
        }
    }
}
