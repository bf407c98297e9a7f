//! Products with a few vectors against exact ones.

use crate::memory::{Integers, Memory, assert_near, numbers, queues};
use tts_cuda::{Float, Gemv, Queue, Use, WEIGHT_GROUP, Weights, quantize, quantize_fp8};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Floats(Float),
    Int8,
    Fp8,
}

const KINDS: [Kind; 4] =
    [Kind::Floats(Float::F32), Kind::Floats(Float::Bf16), Kind::Int8, Kind::Fp8];

enum Matrix {
    Floats(Float, Memory),
    Bytes { kind: Kind, values: Integers<i8>, scales: Memory },
}

impl Matrix {
    /// And its weights, as the kernels see them.
    fn new(kind: Kind, weights: &[f32], width: usize) -> (Self, Vec<f64>) {
        if let Kind::Floats(dtype) = kind {
            let memory = Memory::new(dtype, weights);
            let weights = memory.values().into_iter().map(f64::from).collect();
            return (Self::Floats(dtype, memory), weights);
        }
        let (bytes, scales) = match kind {
            Kind::Fp8 => {
                let (bytes, scales) = quantize_fp8(weights, width);
                (bytemuck::cast_vec(bytes), scales)
            }
            _ => quantize(weights, width),
        };
        let value = |byte: i8| if kind == Kind::Fp8 { fp8(byte as u8) } else { f64::from(byte) };
        let rows = bytes.chunks(width).zip(scales.chunks(width.div_ceil(WEIGHT_GROUP)));
        let groups = rows.flat_map(|(bytes, scales)| bytes.chunks(WEIGHT_GROUP).zip(scales));
        let weights = groups
            .flat_map(|(bytes, scale)| {
                bytes.iter().map(move |byte| value(*byte) * f64::from(*scale))
            })
            .collect();
        let (values, scales) = (Integers::new(&bytes), Memory::new(Float::F32, &scales));
        (Self::Bytes { kind, values, scales }, weights)
    }

    fn weights(&mut self) -> Weights {
        match self {
            Self::Floats(dtype, memory) => Weights::floats(*dtype, memory.address()),
            Self::Bytes { kind, values, scales } => {
                let (values, scales) = (values.address(), scales.address());
                match kind {
                    Kind::Fp8 => Weights::Fp8 { values, scales },
                    _ => Weights::Int8 { values, scales },
                }
            }
        }
    }
}

/// A number in E4M3FN.
fn fp8(bits: u8) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f64::from(bits & 7));
    let size = match exponent {
        0 => mantissa / 512.0,
        _ => (8.0 + mantissa) * 2_f64.powi(exponent - 10),
    };
    if bits < 0x80 { size } else { -size }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    kind: Kind,
    rows: usize,
    width: usize,
    stride: usize,
    outputs: usize,
    is_normed: bool,
    has_bias: bool,
    /// 0 stores, 1 adds, 2 is a gate, 3 is gelu.
    to: usize,
}

const EPSILON: f32 = 1e-6;

impl Case {
    /// Of sizes that differ from group to group.
    fn weights(self, seed: u32) -> (Matrix, Vec<f64>) {
        let mut weights = numbers(self.outputs * self.width, seed);
        for row in weights.chunks_mut(self.width) {
            for (group, size) in row.chunks_mut(WEIGHT_GROUP).zip([1.0, 0.3, 2.0].iter().cycle()) {
                for weight in group {
                    *weight *= size;
                }
            }
        }
        Matrix::new(self.kind, &weights, self.width)
    }

    /// Of rows that overlap where the stride is less than the width.
    fn inputs(self) -> Vec<f32> {
        numbers((self.rows - 1) * self.stride + self.width, 3)
    }

    fn before(self) -> Vec<f32> {
        numbers(self.rows * self.outputs, 5)
    }

    /// The outputs for some rows of the inputs.
    fn run(self, queue: &Queue, rows: std::ops::Range<usize>) -> Vec<f32> {
        let part = |values: &[f32], stride: usize, width: usize| {
            let end = (rows.end - 1) * stride + width;
            Memory::new(Float::F32, &values[rows.start * stride..end])
        };
        let mut x = part(&self.inputs(), self.stride, self.width);
        let mut y = part(&self.before(), self.outputs, self.outputs);
        let ((mut weights, _), (mut up, _)) = (self.weights(1), self.weights(2));
        let mut norm = Memory::new(Float::F32, &numbers(self.width, 4));
        let mut bias = Memory::new(Float::F32, &numbers(self.outputs, 6));
        let gemv = Gemv {
            x: x.address(),
            stride: self.stride as u32,
            norm: self.is_normed.then(|| (norm.address(), EPSILON)),
            weights: weights.weights(),
            bias: self.has_bias.then(|| bias.address()),
            y: y.address(),
            rows: rows.len() as u32,
            width: self.width as u32,
            outputs: self.outputs as u32,
            to: [Use::Store, Use::Add, Use::Gate(up.weights()), Use::Gelu][self.to],
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
        for (row, before) in before.chunks(self.outputs).enumerate() {
            let x = &inputs[row * self.stride..][..self.width];
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
                    3 => (gelu(sum + bias), 1.2 * (size + bias.abs())),
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

/// The integral of the bell curve around zero, from a series without differences.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let widths = match kind {
            Kind::Floats(_) => [1, 7, 8, 40, 250, 256, 264, 1000],
            Kind::Int8 | Kind::Fp8 => [1, 7, 16, 128, 250, 272, 1000, 1040],
        };
        for (index, width) in widths.into_iter().enumerate() {
            for (other, outputs) in [1, 8, 21].into_iter().enumerate() {
                let which = index + other;
                let rows = [1, 2, 3, 4, 5, 8, 9, 17][which % 8];
                let (is_normed, has_bias) = (which % 2 > 0, which % 3 > 0);
                let to = (index + 2 * other) % 4;
                // Rows one after the other, that overlap, and apart.
                let stride = [width, width / 3 + 1, width + 5][(index / 2 + other) % 3];
                cases.push(Case { kind, rows, width, stride, outputs, is_normed, has_bias, to });
            }
        }
    }
    // What a row is next to, and in which place; widths of sixteens and others.
    for rows in 1..=17 {
        let (is_normed, has_bias) = (rows % 2 > 0, rows % 5 > 2);
        let width = if rows % 4 == 3 { 135 } else { 144 };
        let (stride, outputs, to) = (width, 3, rows % 4);
        for kind in [Kind::Int8, Kind::Fp8] {
            cases.push(Case { kind, rows, width, stride, outputs, is_normed, has_bias, to });
        }
    }
    cases
}

/// Inputs that are in shared memory in one chunk or in several, for eight rows, four or even one;
/// loads and others.
fn wide_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for (index, width) in [1040, 1500, 3072, 4100, 12_000, 12_003].into_iter().enumerate() {
            for to in 0..4 {
                let (is_normed, has_bias) = ((index + to) % 3 > 0, (index + to) % 2 > 0);
                let (rows, stride, outputs) = (9, width + to, 3);
                cases.push(Case { kind, rows, width, stride, outputs, is_normed, has_bias, to });
            }
        }
    }
    cases
}

#[test]
fn products_are_near_the_exact_ones() {
    for case in cases().into_iter().chain(wide_cases()) {
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
fn chunks_of_inputs_do_not_matter() {
    for case in wide_cases() {
        let [forwards, others @ ..] = queues();
        let all = case.run(&forwards, 0..case.rows);
        for queue in others {
            assert_eq!(case.run(&queue, 0..case.rows), all, "{queue:?} {case:?}");
        }
        for rows in 1..case.rows {
            let some = case.run(&forwards, 0..rows);
            assert_eq!(some, all[..rows * case.outputs], "{case:?} {rows}");
        }
    }
}

#[test]
fn inputs_of_every_size_fit_into_the_memory_of_a_block() {
    for (width, kind) in
        [1024, 1536, 2048, 3072, 6144].into_iter().flat_map(|width| KINDS.map(|kind| (width, kind)))
    {
        let case = Case {
            kind,
            rows: 9,
            width,
            stride: width,
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

#[test]
fn gelu_is_the_exact_one() {
    // From tables of the normal distribution.
    for (x, expected) in [(1.0, 0.841_344_746_069), (-1.0, -0.158_655_253_931), (0.0, 0.0)] {
        assert!((gelu(x) - expected).abs() < 1e-11, "{x}");
    }
    // Each output is the gelu of its bias.
    let biases: Vec<f32> = (-800_i16..=800).map(|number| f32::from(number) / 100.0).collect();
    let (mut zero, mut weights) = (Memory::zeros(1), Memory::zeros(biases.len()));
    let (mut bias, mut y) = (Memory::new(Float::F32, &biases), Memory::zeros(biases.len()));
    let gemv = Gemv {
        x: zero.address(),
        stride: 1,
        norm: None,
        weights: Weights::F32(weights.address()),
        bias: Some(bias.address()),
        y: y.address(),
        rows: 1,
        width: 1,
        outputs: biases.len() as u32,
        to: Use::Gelu,
    };
    // SAFETY: the memory has these sizes and outlives the kernel.
    unsafe { gemv.launch(&queues()[0]) }.expect("a launch");
    let exact: Vec<f64> = biases.iter().map(|&bias| gelu(f64::from(bias))).collect();
    let sizes: Vec<f64> = biases.iter().map(|bias| f64::from(bias.abs())).collect();
    assert_near(&y.values(), &exact, &sizes, 2e-7, "gelu");
}

#[test]
fn numbers_of_eight_bits_are_exact() {
    let codes = || (0..=u8::MAX).filter(|bits| bits & 0x7f != 0x7f);
    // Weights of a load, and as many as are read one by one.
    for width in [16, 5] {
        // Every number in every place, between zeros.
        let places = codes().flat_map(|bits| (0..width).map(move |place| (bits, place)));
        let bytes: Vec<i8> = places
            .clone()
            .flat_map(|(bits, at)| (0..width).map(move |i| if i == at { bits as i8 } else { 0 }))
            .collect();
        let outputs = bytes.len() / width;
        let mut values = Integers::new(&bytes);
        // Inputs and scales of any size, down to where products are small even beside the numbers.
        for (input, scale) in [(1.0, 1.0), (1e-15, 1e-3), (1e15, 1e-3), (1e-6, 1e15), (3.0, 1e-20)]
        {
            let (input, scale) = (input as f32, scale as f32);
            let mut x = Memory::new(Float::F32, &vec![input; width]);
            let mut scales = Memory::new(Float::F32, &vec![scale; outputs]);
            let mut y = Memory::zeros(outputs);
            let gemv = Gemv {
                x: x.address(),
                stride: width as u32,
                norm: None,
                weights: Weights::Fp8 { values: values.address(), scales: scales.address() },
                bias: None,
                y: y.address(),
                rows: 1,
                width: width as u32,
                outputs: outputs as u32,
                to: Use::Store,
            };
            // SAFETY: the memory has these sizes and outlives the kernel.
            unsafe { gemv.launch(&queues()[0]) }.expect("a launch");
            let expected: Vec<f32> =
                places.clone().map(|(bits, _)| fp8(bits) as f32 * input * scale).collect();
            assert_eq!(y.values(), expected, "{width} {input} {scale}");
        }
    }
}

#[test]
fn a_gate_has_weights_of_one_kind() {
    let mut memory = Memory::zeros(16);
    let address = memory.address();
    let floats = Weights::F32(address);
    let gemv = Gemv {
        x: address,
        stride: 1,
        norm: None,
        weights: floats,
        bias: None,
        y: address,
        rows: 1,
        width: 1,
        outputs: 1,
        to: Use::Gate(Weights::Int8 { values: address, scales: address }),
    };
    let fp8 = Weights::Fp8 { values: address, scales: address };
    for (weights, up) in
        [(floats, gemv.to), (Weights::Bf16(address), Use::Gate(floats)), (fp8, gemv.to)]
    {
        let gemv = Gemv { weights, to: up, ..gemv };
        // SAFETY: nothing is launched.
        let launched = unsafe { gemv.launch(&queues()[0]) };
        assert!(launched.is_err(), "{gemv:?}");
    }
}
