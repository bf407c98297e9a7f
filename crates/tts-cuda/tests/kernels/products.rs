//! Products with a few vectors against exact ones.

use crate::memory::{Bytes, Memory, assert_near, numbers, queues};
use tts_cuda::{Float, Gemv, INT8_GROUP, Queue, Use, Weights, quantize};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Floats(Float),
    Int8,
}

const KINDS: [Kind; 3] = [Kind::Floats(Float::F32), Kind::Floats(Float::Bf16), Kind::Int8];

enum Matrix {
    Floats(Float, Memory),
    Int8 { values: Bytes, scales: Memory },
}

impl Matrix {
    /// And its weights, as the kernels see them.
    fn new(kind: Kind, weights: &[f32], width: usize) -> (Self, Vec<f64>) {
        if let Kind::Floats(dtype) = kind {
            let memory = Memory::new(dtype, weights);
            let weights = memory.values().into_iter().map(f64::from).collect();
            return (Self::Floats(dtype, memory), weights);
        }
        let (bytes, scales) = quantize(weights, width);
        let rows = bytes.chunks(width).zip(scales.chunks(width.div_ceil(INT8_GROUP)));
        let groups = rows.flat_map(|(bytes, scales)| bytes.chunks(INT8_GROUP).zip(scales));
        let weights = groups
            .flat_map(|(bytes, scale)| {
                bytes.iter().map(|byte| f64::from(*byte) * f64::from(*scale))
            })
            .collect();
        let (values, scales) = (Bytes::new(&bytes), Memory::new(Float::F32, &scales));
        (Self::Int8 { values, scales }, weights)
    }

    fn weights(&mut self) -> Weights {
        match self {
            Self::Floats(dtype, memory) => Weights::floats(*dtype, memory.address()),
            Self::Int8 { values, scales } => {
                Weights::Int8 { values: values.address(), scales: scales.address() }
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    kind: Kind,
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
    /// Of sizes that differ from group to group.
    fn weights(self, seed: u32) -> (Matrix, Vec<f64>) {
        let mut weights = numbers(self.outputs * self.width, seed);
        for row in weights.chunks_mut(self.width) {
            for (group, size) in row.chunks_mut(INT8_GROUP).zip([1.0, 0.3, 2.0].iter().cycle()) {
                for weight in group {
                    *weight *= size;
                }
            }
        }
        Matrix::new(self.kind, &weights, self.width)
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
        let ((mut weights, _), (mut up, _)) = (self.weights(1), self.weights(2));
        let mut norm = Memory::new(Float::F32, &numbers(self.width, 4));
        let mut bias = Memory::new(Float::F32, &numbers(self.outputs, 6));
        let gemv = Gemv {
            x: x.address(),
            norm: self.is_normed.then(|| (norm.address(), EPSILON)),
            weights: weights.weights(),
            bias: self.has_bias.then(|| bias.address()),
            y: y.address(),
            rows: rows.len() as u32,
            width: self.width as u32,
            outputs: self.outputs as u32,
            to: [Use::Store, Use::Add, Use::Gate(up.weights())][self.to],
        };
        // SAFETY: the memory has the sizes of the case and outlives the kernel.
        unsafe { gemv.launch(queue) }.expect("a launch");
        y.values()
    }

    /// The exact outputs, and the sums of the sizes of what is added.
    fn exact(self) -> (Vec<f64>, Vec<f64>) {
        let (norm, bias) = (numbers(self.width, 4), numbers(self.outputs, 6));
        let ((_, weights), (_, up)) = (self.weights(1), self.weights(2));
        let (inputs, before) = (self.inputs(), self.before());
        let (mut outputs, mut sizes) = (Vec::new(), Vec::new());
        for (x, before) in inputs.chunks(self.width).zip(before.chunks(self.outputs)) {
            let mut x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            if self.is_normed {
                let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
                let scale = 1.0 / (mean + f64::from(EPSILON)).sqrt();
                x.iter_mut().zip(&norm).for_each(|(x, norm)| *x *= scale * f64::from(*norm));
            }
            let product = |weights: &[f64], output: usize| {
                let row = &weights[output * self.width..(output + 1) * self.width];
                let products = row.iter().zip(&x).map(|(w, x)| w * x);
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
    for kind in KINDS {
        let widths = match kind {
            Kind::Floats(_) => [1, 7, 8, 40, 250, 256, 264, 1000],
            Kind::Int8 => [1, 7, 16, 128, 250, 272, 1000, 1040],
        };
        for (index, width) in widths.into_iter().enumerate() {
            for (other, outputs) in [1, 8, 21].into_iter().enumerate() {
                let which = index + other;
                let rows = [1, 2, 3, 4, 5, 8, 9, 17][which % 8];
                let (is_normed, has_bias) = (which % 2 > 0, which % 3 > 0);
                let to = (index + 2 * other) % 3;
                cases.push(Case { kind, rows, width, outputs, is_normed, has_bias, to });
            }
        }
    }
    // What a row is next to, and in which place; widths of sixteens and others.
    for rows in 1..=17 {
        let (is_normed, has_bias) = (rows % 2 > 0, rows % 5 > 2);
        let width = if rows % 4 == 3 { 135 } else { 144 };
        cases.push(Case {
            kind: Kind::Int8,
            rows,
            width,
            outputs: 3,
            is_normed,
            has_bias,
            to: rows % 3,
        });
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
    for (width, kind) in [1024, 1536, 2048, 3072, 6144]
        .into_iter()
        .flat_map(|width| [Kind::Floats(Float::Bf16), Kind::Int8].map(|kind| (width, kind)))
    {
        let case =
            Case { kind, rows: 9, width, outputs: 1, is_normed: true, has_bias: false, to: 0 };
        let (exact, sizes) = case.exact();
        let found = case.run(&queues()[0], 0..case.rows);
        assert_near(&found, &exact, &sizes, 4e-7, &format!("{case:?}"));
    }
}

#[test]
fn a_gate_has_weights_of_one_kind() {
    let mut memory = Memory::zeros(16);
    let address = memory.address();
    let floats = Weights::F32(address);
    let gemv = Gemv {
        x: address,
        norm: None,
        weights: floats,
        bias: None,
        y: address,
        rows: 1,
        width: 1,
        outputs: 1,
        to: Use::Gate(Weights::Int8 { values: address, scales: address }),
    };
    for (weights, up) in [(floats, gemv.to), (Weights::Bf16(address), Use::Gate(floats))] {
        let gemv = Gemv { weights, to: up, ..gemv };
        // SAFETY: nothing is launched.
        let launched = unsafe { gemv.launch(&queues()[0]) };
        assert!(launched.is_err(), "{gemv:?}");
    }
}
