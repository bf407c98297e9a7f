//! The stack against a plain one in f64, and against itself in every division of the work.

mod numbers;

use std::sync::{Arc, Mutex};

use numbers::numbers;
use tts_cpu::{
    Decoder, DecoderShape, Inputs, Layer, LayerWeights, Matrix, Packed, PackedError, Place, Pool,
    Scheme, Sequence, ShapeError,
};

const SHAPE: DecoderShape = DecoderShape {
    hidden: 96,
    heads: 6,
    kv_heads: 3,
    head_dim: 32,
    intermediate: 160,
    norm_eps: 1e-6,
    rope_theta: 1e4,
};
const LAYERS: usize = 3;

struct Weights {
    norms: [Vec<f32>; 4],
    matrices: [Vec<f32>; 7],
}

impl Weights {
    fn new(layer: usize) -> Self {
        let s = SHAPE;
        let (q, k) = (s.heads * s.head_dim, s.kv_heads * s.head_dim);
        let norm = |width, seed| numbers(width, seed).iter().map(|w| 1.0 + 0.3 * w).collect();
        let matrix = |outputs, inputs, seed| {
            let scale = 1.5 / (inputs as f32).sqrt();
            numbers(outputs * inputs, seed).iter().map(|w| w * scale).collect()
        };
        let seed = layer as u32 * 20;
        Self {
            norms: [
                norm(s.hidden, seed + 1),
                norm(s.head_dim, seed + 2),
                norm(s.head_dim, seed + 3),
                norm(s.hidden, seed + 4),
            ],
            matrices: [
                matrix(q, s.hidden, seed + 5),
                matrix(k, s.hidden, seed + 6),
                matrix(k, s.hidden, seed + 7),
                matrix(s.hidden, q, seed + 8),
                matrix(s.intermediate, s.hidden, seed + 9),
                matrix(s.intermediate, s.hidden, seed + 10),
                matrix(s.hidden, s.intermediate, seed + 11),
            ],
        }
    }

    fn rounded(mut self, scheme: Scheme) -> Self {
        let (queries, s) = (SHAPE.heads * SHAPE.head_dim, SHAPE);
        let widths = [s.hidden, s.hidden, s.hidden, queries, s.hidden, s.hidden, s.intermediate];
        for (matrix, width) in self.matrices.iter_mut().zip(widths) {
            *matrix = rounded(scheme, width, matrix);
        }
        self
    }

    fn borrowed(&self) -> LayerWeights<'_> {
        let [attention_norm, query_norm, key_norm, mlp_norm] = &self.norms;
        let [query, key, value, output, gate, up, down] = &self.matrices;
        LayerWeights {
            attention_norm,
            query,
            key,
            value,
            query_norm,
            key_norm,
            output,
            mlp_norm,
            gate,
            up,
            down,
        }
    }
}

fn decoder(scheme: Scheme) -> Decoder {
    let mut decoder = Decoder::new(SHAPE, &numbers(SHAPE.hidden, 99)).expect("fitting norm");
    for layer in 0..LAYERS {
        let weights = Weights::new(layer);
        let layer = Layer::pack(scheme, &SHAPE, weights.borrowed()).expect("fitting weights");
        decoder.push_layer(layer).expect("a layer of the shape");
    }
    decoder
}

/// Steps of `rows` positions each over a whole sequence; the normed states of all.
fn run(decoder: &Decoder, threads: usize, inputs: &[f32], rows: usize) -> Vec<f32> {
    let pool = Pool::new(threads).expect("threads");
    let width = SHAPE.hidden;
    let count = inputs.len() / width;
    let work = decoder.new_work(rows, threads);
    let mut sequence = decoder.new_sequence(count);
    let mut outputs = Vec::new();
    for inputs in inputs.chunks(rows * width) {
        let (first, count) = (sequence.position(), inputs.len() / width);
        sequence.advance(count).expect("room");
        let places: Vec<Place<'_>> = (first..first + count)
            .map(|position| Place { sequence: &sequence, position })
            .collect();
        work.states.write(0, inputs);
        pool.run(|member| decoder.step(&member, &places, &work).expect("fitting work"));
        let mut states = vec![0.0; inputs.len()];
        work.states.read(0..inputs.len(), &mut states);
        outputs.extend(states);
    }
    outputs
}

/// The same stack in f64, from its formulas.
fn exact(inputs: &[f32], scheme: Scheme) -> Vec<f64> {
    let s = SHAPE;
    let width = s.hidden;
    let norm = |x: &[f64], weight: &[f32]| -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (mean + f64::from(s.norm_eps)).sqrt();
        x.iter().zip(weight).map(|(x, w)| x * scale * f64::from(*w)).collect()
    };
    let product = |weights: &[f32], x: &[f64]| -> Vec<f64> {
        let x = rounded_inputs(scheme, x);
        let row = |row: &[f32]| row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum();
        weights.chunks(x.len()).map(row).collect()
    };
    let rotate = |x: &[f64], position: usize| -> Vec<f64> {
        let half = s.head_dim / 2;
        (0..s.head_dim)
            .map(|i| {
                let exponent = -2.0 * (i % half) as f64 / s.head_dim as f64;
                let (sin, cos) = (position as f64 * s.rope_theta.powf(exponent)).sin_cos();
                if i < half {
                    x[i] * cos - x[i + half] * sin
                } else {
                    x[i] * cos + x[i - half] * sin
                }
            })
            .collect()
    };
    let mut states: Vec<Vec<f64>> =
        inputs.chunks(width).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
    for layer in 0..LAYERS {
        let weights = Weights::new(layer).rounded(scheme);
        let w = weights.borrowed();
        let (mut keys, mut values): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        for (position, state) in states.iter_mut().enumerate() {
            let x = norm(state, w.attention_norm);
            let heads = |weights: &[f32], weight: &[f32]| -> Vec<Vec<f64>> {
                let heads = product(weights, &x);
                heads.chunks(s.head_dim).map(|x| rotate(&norm(x, weight), position)).collect()
            };
            keys.push(heads(w.key, w.key_norm).concat());
            values.push(product(w.value, &x));
            let mut mixed = Vec::new();
            for (head, query) in heads(w.query, w.query_norm).iter().enumerate() {
                let start = head / (s.heads / s.kv_heads) * s.head_dim;
                let score = |key: &Vec<f64>| {
                    let key = &key[start..start + s.head_dim];
                    let dot: f64 = query.iter().zip(key).map(|(q, k)| q * k).sum();
                    (dot / (s.head_dim as f64).sqrt()).exp()
                };
                let scores: Vec<f64> = keys.iter().map(score).collect();
                let total: f64 = scores.iter().sum();
                mixed.extend((0..s.head_dim).map(|i| {
                    let weighted = scores.iter().zip(&values).map(|(p, v)| p * v[start + i]);
                    weighted.sum::<f64>() / total
                }));
            }
            let add = |state: &mut Vec<f64>, y: Vec<f64>| {
                state.iter_mut().zip(y).for_each(|(state, y)| *state += y);
            };
            add(state, product(w.output, &mixed));
            let x = norm(state, w.mlp_norm);
            let activated: Vec<f64> = (product(w.gate, &x).iter().zip(product(w.up, &x)))
                .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
                .collect();
            add(state, product(w.down, &activated));
        }
    }
    states.iter().flat_map(|state| norm(state, &numbers(width, 99))).collect()
}

/// The inputs of a product as they are multiplied with weights of the scheme.
fn rounded_inputs(scheme: Scheme, x: &[f64]) -> Vec<f64> {
    let levels = match scheme {
        Scheme::Q8 => 32767.0,
        Scheme::Q4 => 127.0,
    };
    let round = |group: &[f64]| -> Vec<f64> {
        let scale = group.iter().fold(0.0, |largest: f64, x| largest.max(x.abs())) / levels;
        group.iter().map(|x| (x / scale).round() * scale).collect()
    };
    x.chunks(32).flat_map(round).collect()
}

/// The weights as a matrix holds them: what it gives for every column by itself.
fn rounded(scheme: Scheme, inputs: usize, weights: &[f32]) -> Vec<f32> {
    let rows = weights.len() / inputs;
    let matrix = Matrix::pack(scheme, rows, inputs, weights).expect("whole rows");
    let mut columns = Inputs::new(inputs);
    let identity: Vec<f32> =
        (0..inputs * inputs).map(|i| f32::from(u8::from(i / inputs == i % inputs))).collect();
    columns.set(scheme, &identity).expect("whole vectors");
    let mut transposed = vec![0.0; inputs * rows];
    matrix.multiply(&columns, &mut transposed).expect("fitting shapes");
    (0..rows * inputs).map(|i| transposed[i % inputs * rows + i / inputs]).collect()
}

/// The exact stack has the rounded weights and inputs, so only sums are left to differ, and with
/// them now and then an input that lies between two of the many steps of 16 bits.
#[test]
fn the_stack_is_near_the_exact_one() {
    let inputs = numbers(12 * SHAPE.hidden, 7);
    for (scheme, bound) in [(Scheme::Q8, 1e-4), (Scheme::Q4, 1e-6)] {
        let exact = exact(&inputs, scheme);
        let norm = exact.iter().map(|x| x * x).sum::<f64>().sqrt();
        let outputs = run(&decoder(scheme), 2, &inputs, 1);
        let errors = outputs.iter().zip(&exact).map(|(y, exact)| (f64::from(*y) - exact).powi(2));
        let error = errors.sum::<f64>().sqrt() / norm;
        assert!(error < bound, "{scheme:?}: {error}");
    }
}

#[test]
fn threads_and_pieces_make_no_difference() {
    let decoder = decoder(Scheme::Q8);
    let inputs = numbers(11 * SHAPE.hidden, 8);
    let plain = run(&decoder, 1, &inputs, 1);
    for threads in 1..=4 {
        for rows in [1, 3, 11] {
            assert_eq!(
                run(&decoder, threads, &inputs, rows),
                plain,
                "{threads} threads, {rows} rows"
            );
        }
    }
}

#[test]
fn sequences_in_a_batch_do_not_see_each_other() {
    let decoder = decoder(Scheme::Q4);
    let width = SHAPE.hidden;
    let inputs: Vec<Vec<f32>> = (0..3).map(|i| numbers(6 * width, 20 + i)).collect();
    let alone: Vec<Vec<f32>> = inputs.iter().map(|inputs| run(&decoder, 2, inputs, 1)).collect();
    let pool = Pool::new(2).expect("threads");
    let work = decoder.new_work(3, 2);
    let mut sequences: Vec<Sequence> = (0..3).map(|_| decoder.new_sequence(6)).collect();
    for position in 0..6 {
        for sequence in &mut sequences {
            sequence.advance(1).expect("room");
        }
        let places: Vec<Place<'_>> =
            sequences.iter().map(|sequence| Place { sequence, position }).collect();
        for (row, inputs) in inputs.iter().enumerate() {
            work.states.write(row * width, &inputs[position * width..][..width]);
        }
        pool.run(|member| decoder.step(&member, &places, &work).expect("fitting work"));
        for (row, alone) in alone.iter().enumerate() {
            let mut state = vec![0.0; width];
            work.states.read(row * width..(row + 1) * width, &mut state);
            assert_eq!(state, &alone[position * width..][..width]);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let decoder = decoder(Scheme::Q8);
    let mut sequence = decoder.new_sequence(2);
    sequence.advance(2).expect("room");
    let error = sequence.advance(1).expect_err("full");
    assert_eq!(error.to_string(), "positions of a sequence: 3, expected 2");
    assert_eq!(sequence.position(), 2);
    sequence.clear();
    assert_eq!(sequence.position(), 0);

    sequence.advance(2).expect("room again");
    let places = [0, 1].map(|position| Place { sequence: &sequence, position });
    let refusals: Mutex<Vec<ShapeError>> = Mutex::new(Vec::new());
    let pool = Pool::new(2).expect("threads");
    for work in [decoder.new_work(1, 2), decoder.new_work(2, 1)] {
        pool.run(|member| {
            if let Err(error) = decoder.step(&member, &places, &work) {
                refusals.lock().expect("no panic").push(error);
            }
        });
    }
    assert_eq!(refusals.lock().expect("no panic").len(), 4);

    let weights = Weights::new(0);
    let wrong = LayerWeights { down: &[0.0], ..weights.borrowed() };
    assert!(Decoder::new(SHAPE, &[1.0; 95]).is_err());
    assert!(Layer::pack(Scheme::Q8, &SHAPE, wrong).is_err());
    let layer = Layer::pack(Scheme::Q8, &SHAPE, weights.borrowed()).expect("fitting weights");
    let wider = DecoderShape { hidden: 97, ..SHAPE };
    let mut decoder = Decoder::new(wider, &[1.0; 97]).expect("fitting norm");
    assert!(decoder.push_layer(layer).is_err());
}

#[test]
fn layers_from_bytes_are_the_same_layers() {
    for scheme in [Scheme::Q8, Scheme::Q4] {
        let packed = Layer::pack(scheme, &SHAPE, Weights::new(1).borrowed()).expect("fitting");
        let bytes = packed.to_bytes();
        let layer = Layer::from_bytes(Arc::new(bytes.clone())).expect("its own bytes");
        assert_eq!(layer.to_bytes(), bytes);
        let mut decoder = Decoder::new(SHAPE, &[1.0; 96]).expect("fitting norm");
        decoder.push_layer(layer).expect("a layer of the shape");
        let cut = bytes[..bytes.len() - 64].to_vec();
        assert!(matches!(Layer::from_bytes(Arc::new(cut)), Err(PackedError::Length { .. })));
    }
}
