//! Products with a few vectors against exact ones.

use crate::memory::{Memory, TYPES, assert_near, numbers, queues};
use tts_cuda::{Float, Gemv, Queue, Use};

#[derive(Debug, Clone, Copy)]
struct Case {
    dtype: Float,
    rows: usize,
    width: usize,
    outputs: usize,
    is_normed: bool,
    has_bias: bool,
    /// 0 stores, 1 adds, 2 is a gate.
    to: usize,
}

const EPSILON: f32 = 1e-6;

impl Case {
    fn weights(self, seed: u32) -> Memory {
        Memory::new(self.dtype, &numbers(self.outputs * self.width, seed))
    }

    fn inputs(self) -> Vec<f32> {
        numbers(self.rows * self.width, 3)
    }

    fn before(self) -> Vec<f32> {
        numbers(self.rows * self.outputs, 5)
    }

    /// The outputs for some rows of the inputs.
    fn run(self, queue: &Queue, rows: std::ops::Range<usize>) -> Vec<f32> {
        let part = |values: &[f32], width: usize| {
            Memory::new(Float::F32, &values[rows.start * width..rows.end * width])
        };
        let mut x = part(&self.inputs(), self.width);
        let mut y = part(&self.before(), self.outputs);
        let (mut weights, mut up) = (self.weights(1), self.weights(2));
        let mut norm = Memory::new(Float::F32, &numbers(self.width, 4));
        let mut bias = Memory::new(Float::F32, &numbers(self.outputs, 6));
        let gemv = Gemv {
            x: x.address(),
            norm: self.is_normed.then(|| (norm.address(), EPSILON)),
            weights: weights.address(),
            dtype: self.dtype,
            bias: self.has_bias.then(|| bias.address()),
            y: y.address(),
            rows: rows.len() as u32,
            width: self.width as u32,
            outputs: self.outputs as u32,
            to: [Use::Store, Use::Add, Use::Gate(up.address())][self.to],
        };
        // SAFETY: the memory has the sizes of the case and outlives the kernel.
        unsafe { gemv.launch(queue) }.expect("a launch");
        y.values()
    }

    /// The exact outputs, and the sums of the sizes of what is added.
    fn exact(self) -> (Vec<f64>, Vec<f64>) {
        let (norm, bias) = (numbers(self.width, 4), numbers(self.outputs, 6));
        let (weights, up) = (self.weights(1).values(), self.weights(2).values());
        let (inputs, before) = (self.inputs(), self.before());
        let (mut outputs, mut sizes) = (Vec::new(), Vec::new());
        for (x, before) in inputs.chunks(self.width).zip(before.chunks(self.outputs)) {
            let mut x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            if self.is_normed {
                let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
                let scale = 1.0 / (mean + f64::from(EPSILON)).sqrt();
                x.iter_mut().zip(&norm).for_each(|(x, norm)| *x *= scale * f64::from(*norm));
            }
            let product = |weights: &[f32], output: usize| {
                let row = &weights[output * self.width..(output + 1) * self.width];
                let products = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x);
                let size = products.clone().map(f64::abs).sum::<f64>();
                (products.sum::<f64>(), size)
            };
            for (output, before) in before.iter().enumerate() {
                let bias = if self.has_bias { f64::from(bias[output]) } else { 0.0 };
                let (sum, size) = product(&weights, output);
                let (value, size) = match self.to {
                    0 => (sum + bias, size + bias.abs()),
                    1 => (
                        sum + bias + f64::from(*before),
                        size + bias.abs() + f64::from(before.abs()),
                    ),
                    _ => {
                        let gate = sum / (1.0 + (-sum).exp());
                        let (up, up_size) = product(&up, output);
                        ((up + bias) * gate, (up_size + bias.abs()) * (size + 1.0))
                    }
                };
                outputs.push(value);
                sizes.push(size);
            }
        }
        (outputs, sizes)
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in TYPES {
        for (index, width) in [1, 7, 8, 40, 250, 256, 264, 1000].into_iter().enumerate() {
            for (other, outputs) in [1, 8, 21].into_iter().enumerate() {
                let kind = index + other;
                let rows = [1, 2, 3, 4, 5, 8, 9, 17][kind % 8];
                let (is_normed, has_bias) = (kind % 2 > 0, kind % 3 > 0);
                let to = (index + 2 * other) % 3;
                cases.push(Case { dtype, rows, width, outputs, is_normed, has_bias, to });
            }
        }
    }
    cases
}

#[test]
fn products_are_near_the_exact_ones() {
    for case in cases() {
        let (exact, sizes) = case.exact();
        let found = case.run(&queues()[0], 0..case.rows);
        assert_near(&found, &exact, &sizes, 4e-7, &format!("{case:?}"));
    }
}

#[test]
fn neighbours_and_the_order_of_threads_do_not_matter() {
    for case in cases() {
        let [forwards, others @ ..] = queues();
        let all = case.run(&forwards, 0..case.rows);
        for queue in others {
            assert_eq!(case.run(&queue, 0..case.rows), all, "{queue:?} {case:?}");
        }
        for row in 0..case.rows {
            let alone = case.run(&forwards, row..row + 1);
            assert_eq!(alone, all[row * case.outputs..(row + 1) * case.outputs], "{case:?} {row}");
        }
    }
}

#[test]
fn inputs_of_every_size_fit_into_the_memory_of_a_block() {
    for width in [1024, 1536, 2048, 3072, 6144] {
        let case = Case {
            dtype: Float::Bf16,
            rows: 9,
            width,
            outputs: 1,
            is_normed: true,
            has_bias: false,
            to: 0,
        };
        let (exact, sizes) = case.exact();
        let found = case.run(&queues()[0], 0..case.rows);
        assert_near(&found, &exact, &sizes, 4e-7, &format!("{case:?}"));
    }
}
