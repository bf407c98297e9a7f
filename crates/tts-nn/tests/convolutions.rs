//! Convolutions equal the textbook sum, and in pieces of any size they equal
//! themselves bit for bit.

use candle_core::{Device, Result, Tensor};
use tts_nn::{CausalConv1d, CausalConvTranspose1d, ConvState, DepthwiseConv1d, Linear};

const INPUTS: usize = 3;
const OUTPUTS: usize = 2;
const TIME: usize = 150;
const STEPS: [usize; 6] = [1, 2, 5, 11, 64, 100];

/// Values without a pattern that a mixed-up axis could hide behind.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| (((i + 7 * seed) * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect()
}

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

/// Pushes a signal `[channels, TIME]` through `forward` in pieces of `step`.
fn in_pieces(
    x: &Tensor,
    step: usize,
    mut forward: impl FnMut(&Tensor, &mut ConvState) -> Result<Tensor>,
) -> Vec<Vec<f32>> {
    let mut state = ConvState::default();
    let pieces: Vec<Tensor> = (0..TIME)
        .step_by(step)
        .map(|start| {
            let piece = x.narrow(1, start, step.min(TIME - start)).unwrap();
            forward(&piece.contiguous().unwrap(), &mut state).unwrap()
        })
        .collect();
    Tensor::cat(&pieces, 1).unwrap().to_vec2().unwrap()
}

#[track_caller]
fn assert_close(actual: &[Vec<f32>], expected: impl Fn(usize, usize) -> f64) {
    for (channel, row) in actual.iter().enumerate() {
        for (t, &value) in row.iter().enumerate() {
            let expected = expected(channel, t);
            assert!(
                (f64::from(value) - expected).abs() < 1e-5,
                "{channel}, {t}: {value} {expected}"
            );
        }
    }
}

#[test]
fn causal_convolutions() {
    let (signal, bias) = (values(INPUTS * TIME, 1), values(OUTPUTS, 2));
    let x = tensor(&signal, &[INPUTS, TIME]);
    for kernel in 1..=5 {
        let weight = values(OUTPUTS * INPUTS * kernel, kernel);
        for dilation in [1, 2, 3, 9] {
            let conv = CausalConv1d::new(
                &tensor(&weight, &[OUTPUTS, INPUTS, kernel]),
                Some(&tensor(&bias, &[OUTPUTS])),
                dilation,
            )
            .unwrap();
            let expected = |o: usize, t: usize| {
                let mut sum = f64::from(bias[o]);
                for i in 0..INPUTS {
                    for tap in 0..kernel {
                        if let Some(at) = t.checked_sub((kernel - 1 - tap) * dilation) {
                            let w = weight[(o * INPUTS + i) * kernel + tap];
                            sum += f64::from(w) * f64::from(signal[i * TIME + at]);
                        }
                    }
                }
                sum
            };
            let whole = in_pieces(&x, TIME, |x, state| conv.forward(x, state));
            assert_eq!((whole.len(), whole[0].len()), (OUTPUTS, TIME));
            assert_close(&whole, expected);
            for step in STEPS {
                assert_eq!(in_pieces(&x, step, |x, state| conv.forward(x, state)), whole);
            }
        }
    }
}

#[test]
fn depthwise_convolutions() {
    let (signal, bias) = (values(INPUTS * TIME, 3), values(INPUTS, 4));
    let x = tensor(&signal, &[INPUTS, TIME]);
    for kernel in 1..=7 {
        let weight = values(INPUTS * kernel, kernel);
        let conv =
            DepthwiseConv1d::new(&tensor(&weight, &[INPUTS, 1, kernel]), &tensor(&bias, &[INPUTS]))
                .unwrap();
        let expected = |c: usize, t: usize| {
            (0..kernel).fold(f64::from(bias[c]), |sum, tap| match t.checked_sub(kernel - 1 - tap) {
                Some(at) => {
                    let w = weight[c * kernel + tap];
                    sum + f64::from(w) * f64::from(signal[c * TIME + at])
                }
                None => sum,
            })
        };
        let whole = in_pieces(&x, TIME, |x, state| conv.forward(x, state));
        assert_close(&whole, expected);
        for step in STEPS {
            assert_eq!(in_pieces(&x, step, |x, state| conv.forward(x, state)), whole);
        }
    }
}

#[test]
fn transposed_convolutions() {
    let (signal, bias) = (values(INPUTS * TIME, 5), values(OUTPUTS, 6));
    let x = tensor(&signal, &[INPUTS, TIME]);
    for stride in 1..=5 {
        // The codec has kernel = stride and kernel = 2 stride; a multiple is not required.
        for kernel in stride..=3 * stride {
            let weight = values(INPUTS * OUTPUTS * kernel, kernel);
            let conv = CausalConvTranspose1d::new(
                &tensor(&weight, &[INPUTS, OUTPUTS, kernel]),
                &tensor(&bias, &[OUTPUTS]),
                stride,
            )
            .unwrap();
            let expected = |o: usize, t: usize| {
                let mut sum = f64::from(bias[o]);
                for i in 0..INPUTS {
                    for at in 0..TIME {
                        if let Some(tap) = t.checked_sub(at * stride)
                            && tap < kernel
                        {
                            let w = weight[(i * OUTPUTS + o) * kernel + tap];
                            sum += f64::from(w) * f64::from(signal[i * TIME + at]);
                        }
                    }
                }
                sum
            };
            let whole = in_pieces(&x, TIME, |x, state| conv.forward(x, state));
            assert_eq!((whole.len(), whole[0].len()), (OUTPUTS, TIME * stride));
            assert_close(&whole, expected);
            for step in STEPS {
                assert_eq!(in_pieces(&x, step, |x, state| conv.forward(x, state)), whole);
            }
        }
    }
}

/// Layers on both sides of every size at which the matrix library changes its way.
#[test]
fn layers_of_any_size_do_not_depend_on_the_pieces() {
    for (inputs, outputs, kernel) in
        [(3, 2, 1), (20, 28, 1), (100, 64, 7), (100, 65, 7), (600, 1, 1), (192, 192, 7)]
    {
        let x = tensor(&values(inputs * TIME, 7), &[inputs, TIME]);
        let weight = values(outputs * inputs * kernel, 8);
        let conv = tensor(&weight, &[outputs, inputs, kernel]);
        let conv = CausalConv1d::new(&conv, None, 3).unwrap();
        let linear = tensor(&weight[..outputs * inputs], &[outputs, inputs]);
        let source = |_: &str| Ok::<_, candle_core::Error>(linear.clone());
        let linear = Linear::in_pieces(&source, &["weight"], None).unwrap();
        let whole = in_pieces(&x, TIME, |x, state| conv.forward(x, state));
        let rows = |x: &Tensor, _: &mut ConvState| linear.forward(&x.t()?)?.t();
        let all_rows = in_pieces(&x, TIME, rows);
        for step in STEPS {
            assert_eq!(in_pieces(&x, step, |x, state| conv.forward(x, state)), whole);
            assert_eq!(in_pieces(&x, step, rows), all_rows);
        }
    }
}
