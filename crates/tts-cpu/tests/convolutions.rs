//! Convolutions against sums in f64, and against themselves in pieces, on other teams of threads
//! and without special instructions.

mod numbers;

use numbers::numbers;
use tts_cpu::{Activated, Conv, Kernels, Outputs, Pool, Signal, Snake};

#[derive(Debug, Clone, Copy)]
struct Shape {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    dilation: usize,
    /// Of a transposed convolution; 0 is a plain one.
    stride: usize,
    /// Times of a frame; 0 is a signal without.
    frame: usize,
}

fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (inputs, outputs) in [(1, 1), (3, 40), (16, 16), (17, 5), (40, 1), (33, 48)] {
        for (kernel, dilation) in [(1, 1), (2, 3), (3, 1), (5, 2), (7, 1), (7, 3), (7, 9)] {
            shapes.push(Shape { inputs, outputs, kernel, dilation, stride: 0, frame: 0 });
        }
        for (kernel, stride) in [(1, 1), (2, 2), (4, 2), (5, 3), (6, 3), (16, 8), (3, 4)] {
            shapes.push(Shape { inputs, outputs, kernel, dilation: 1, stride, frame: 0 });
        }
    }
    shapes
}

/// Convolutions over frames: with whole and incomplete tiles and tiles whose frames have other
/// numbers of outputs for some phases of the dilation.
fn shapes_in_frames() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (inputs, outputs) in [(16, 16), (17, 5), (40, 1), (3, 40)] {
        for (dilation, frame) in
            [(1, 32), (1, 101), (1, 30), (3, 32), (3, 160), (9, 32), (9, 35), (9, 131), (24, 97)]
        {
            shapes.push(Shape { inputs, outputs, kernel: 7, dilation, stride: 0, frame });
        }
    }
    shapes
}

impl Shape {
    fn weight(self) -> Vec<f32> {
        numbers(self.inputs * self.outputs * self.kernel, 1)
    }

    fn bias(self) -> Vec<f32> {
        numbers(self.outputs, 2)
    }

    fn conv(self) -> Conv {
        let Self { inputs, dilation, stride, frame, .. } = self;
        let (weight, bias) = (self.weight(), self.bias());
        if frame > 0 {
            Conv::causal_in_frames(&weight, &bias, inputs, dilation, frame).expect("whole weights")
        } else if stride == 0 {
            Conv::causal(&weight, &bias, inputs, dilation).expect("whole weights")
        } else {
            Conv::transposed(&weight, &bias, inputs, stride).expect("whole weights")
        }
    }

    /// The outputs `[outputs, time]` and the sums of the magnitudes of what was added.
    fn exact(self, x: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let Self { inputs, outputs, kernel, dilation, stride, .. } = self;
        let time = x.len() / inputs;
        let out_time = time * stride.max(1);
        let (weight, bias) = (self.weight(), self.bias());
        let mut y: Vec<f64> = bias.iter().flat_map(|&b| vec![f64::from(b); out_time]).collect();
        let mut size: Vec<f64> = y.iter().map(|y| y.abs()).collect();
        for output in 0..outputs {
            for input in 0..inputs {
                for tap in 0..kernel {
                    for t in 0..time {
                        let (weight, at) = if stride == 0 {
                            let at = t + (kernel - 1 - tap) * dilation;
                            (weight[(output * inputs + input) * kernel + tap], at)
                        } else {
                            let at = t * stride + tap;
                            (weight[(input * outputs + output) * kernel + tap], at)
                        };
                        if at < out_time {
                            let product = f64::from(weight) * f64::from(x[input * time + t]);
                            y[output * out_time + at] += product;
                            size[output * out_time + at] += product.abs();
                        }
                    }
                }
            }
        }
        (y, size)
    }
}

/// The outputs and their activations, `[time, channels]`, of a signal in pieces of `step`.
fn run(conv: &Conv, shape: Shape, x: &[f32], step: usize, pool: &Pool) -> [Vec<f32>; 2] {
    let (inputs, outputs) = (shape.inputs, shape.outputs);
    let time = x.len() / inputs;
    let snake = Snake::new(&numbers(outputs, 5), &numbers(outputs, 6)).expect("as many");
    let mut tail = conv.new_tail();
    let [mut input, mut plain, mut activated] = [Signal::new(), Signal::new(), Signal::new()];
    let mut results = [Vec::new(), Vec::new()];
    for start in (0..time).step_by(step) {
        let piece = |row: &[f32]| row[start..time.min(start + step)].to_vec();
        let piece: Vec<f32> = x.chunks(time).flat_map(piece).collect();
        input.set(inputs, conv.keep(), &piece).expect("whole channels");
        let to = Outputs {
            plain: Some(&mut plain),
            residual: false,
            activated: Some(Activated { snake: &snake, head: 3, signal: &mut activated }),
        };
        conv.forward(pool, &mut input, &mut tail, to).expect("fitting shapes");
        for (result, signal) in results.iter_mut().zip([&plain, &activated]) {
            let (values, time) = (signal.to_vec(), signal.time());
            result.extend((0..time).flat_map(|t| values[t..].iter().step_by(time).copied()));
        }
    }
    results
}

#[test]
fn outputs_are_near_the_exact_ones() {
    let pool = Pool::new(2).expect("two threads");
    for shape in shapes() {
        let time = 29;
        let x = numbers(shape.inputs * time, 3);
        let (exact, size) = shape.exact(&x);
        let [y, activated] = run(&shape.conv(), shape, &x, time, &pool);
        let (frequency, gain) = (numbers(shape.outputs, 5), numbers(shape.outputs, 6));
        let out_time = exact.len() / shape.outputs;
        let products = (shape.inputs * shape.kernel + 1) as f64;
        for (index, (y, activated)) in y.iter().zip(&activated).enumerate() {
            let (channel, at) = (index % shape.outputs, index / shape.outputs);
            let exact = exact[channel * out_time + at];
            let bound = products * f64::from(f32::EPSILON) / 2.0 * size[channel * out_time + at];
            let error = (f64::from(*y) - exact).abs();
            assert!(error <= bound * 1.01 + 1e-12, "{shape:?} {channel} {at}: {error:e}");
            let (a, g) = (f64::from(frequency[channel]), f64::from(gain[channel]));
            let snake = f64::from(*y) + g * (a * f64::from(*y)).sin().powi(2);
            let error = (f64::from(*activated) - snake).abs();
            assert!(error <= 4e-7 + snake.abs() * 2e-7, "{shape:?} {channel} {at}: {error:e}");
        }
    }
}

#[test]
fn pieces_threads_and_instructions_do_not_matter() {
    let pools = [1, 2, 3].map(|size| Pool::new(size).expect("a few threads"));
    for shape in shapes() {
        let x = numbers(shape.inputs * 40, 7);
        let conv = shape.conv();
        let whole = run(&conv, shape, &x, 40, &pools[0]);
        for kernels in Kernels::available() {
            let conv = conv.clone().with_kernels(kernels);
            assert_eq!(run(&conv, shape, &x, 40, &pools[0]), whole, "{kernels:?} {shape:?}");
        }
        for (pool, steps) in pools.iter().zip([&[1, 2, 7, 13][..], &[9, 40], &[11, 40]]) {
            for &step in steps {
                let pieces = run(&conv, shape, &x, step, pool);
                assert_eq!(pieces, whole, "{shape:?}, {} threads, step {step}", pool.size());
            }
        }
    }
}

/// Enough work that the whole team is called.
#[test]
fn long_pieces_are_cut_into_parts() {
    let pools = [1, 2, 3].map(|size| Pool::new(size).expect("a few threads"));
    for (outputs, stride) in [(20, 0), (20, 3), (1, 0)] {
        let shape = Shape { inputs: 40, outputs, kernel: 6, dilation: 1, stride, frame: 0 };
        let (x, conv) = (numbers(40 * 2000, 8), shape.conv());
        let whole = run(&conv, shape, &x, 100, &pools[0]);
        for (pool, step) in pools.iter().zip([2000, 1999, 1201]) {
            assert_eq!(run(&conv, shape, &x, step, pool), whole, "{shape:?}, step {step}");
        }
    }
}

/// The errors of sums in tiles are below 3e-6 of the most that is summed, and in the mean
/// square at most twelve times those of direct sums.
#[test]
fn outputs_in_frames_are_near_the_exact_ones() {
    let pool = Pool::new(2).expect("two threads");
    for shape in shapes_in_frames() {
        let time = 3 * shape.frame;
        let x = numbers(shape.inputs * time, 3);
        let (exact, size) = shape.exact(&x);
        let bound = 3e-6 * size.iter().copied().fold(0.0, f64::max);
        let [y, _] = run(&shape.conv(), shape, &x, time, &pool);
        let [direct, _] = run(&Shape { frame: 0, ..shape }.conv(), shape, &x, time, &pool);
        assert_ne!(y, direct, "{shape:?}: direct sums");
        let (mut squares, mut direct_squares) = (0.0, 0.0);
        for (index, (y, direct)) in y.iter().zip(&direct).enumerate() {
            let at = index % shape.outputs * time + index / shape.outputs;
            let [error, direct] = [y, direct].map(|y| f64::from(*y) - exact[at]);
            assert!(error.abs() <= bound, "{shape:?} {at}: {error:e}, more than {bound:e}");
            squares += error * error;
            direct_squares += direct * direct;
        }
        let times = (squares / direct_squares).sqrt();
        assert!(times <= 12.0, "{shape:?}: {times} times the error of direct sums");
    }
}

#[test]
fn pieces_of_whole_frames_threads_and_instructions_do_not_matter() {
    let pools = [1, 2, 3].map(|size| Pool::new(size).expect("a few threads"));
    for shape in shapes_in_frames() {
        let frame = shape.frame;
        let x = numbers(shape.inputs * 7 * frame, 7);
        let conv = shape.conv();
        let whole = run(&conv, shape, &x, 7 * frame, &pools[0]);
        for kernels in Kernels::available() {
            let conv = conv.clone().with_kernels(kernels);
            assert_eq!(run(&conv, shape, &x, 7 * frame, &pools[1]), whole, "{kernels:?} {shape:?}");
        }
        for (pool, frames) in pools.iter().zip([&[1, 2][..], &[3, 7], &[4, 7]]) {
            for frames in frames {
                let pieces = run(&conv, shape, &x, frames * frame, pool);
                assert_eq!(pieces, whole, "{shape:?}, {} threads, {frames} frames", pool.size());
            }
        }
    }
}

/// More tiles than are computed at once.
#[test]
fn long_pieces_of_whole_frames_are_cut_into_groups() {
    let pools = [1, 2, 3].map(|size| Pool::new(size).expect("a few threads"));
    for (dilation, frame) in [(1, 32), (3, 500)] {
        let shape = Shape { inputs: 40, outputs: 20, kernel: 7, dilation, stride: 0, frame };
        let (x, conv) = (numbers(40 * 8000, 8), shape.conv());
        let whole = run(&conv, shape, &x, 2 * frame, &pools[0]);
        for pool in &pools {
            assert_eq!(run(&conv, shape, &x, 8000, pool), whole, "{shape:?}");
        }
    }
}

/// Other kernels, and frames that are too short for tiles.
#[test]
fn direct_sums_in_frames_are_those_without() {
    let pool = Pool::new(1).expect("the caller");
    for (kernel, dilation, frame) in
        [(1, 1, 64), (6, 1, 64), (8, 2, 64), (7, 1, 8), (7, 9, 9), (7, 25, 100)]
    {
        let shape = Shape { inputs: 17, outputs: 5, kernel, dilation, stride: 0, frame };
        let x = numbers(17 * 2 * frame, 12);
        let direct = run(&Shape { frame: 0, ..shape }.conv(), shape, &x, 2 * frame, &pool);
        assert_eq!(run(&shape.conv(), shape, &x, frame, &pool), direct, "{shape:?}");
    }
}

#[test]
fn residuals_are_added_in_place() {
    let pool = Pool::new(2).expect("two threads");
    let shape = Shape { inputs: 18, outputs: 18, kernel: 1, dilation: 1, stride: 0, frame: 0 };
    let (x, before) = (numbers(18 * 50, 9), numbers(18 * 50, 10));
    let conv = shape.conv();
    let [mut input, mut sum, mut activated] = [Signal::new(), Signal::new(), Signal::new()];
    input.set(18, 0, &x).expect("whole channels");
    let mut tail = conv.new_tail();
    let to = Outputs { plain: Some(&mut sum), ..Outputs::default() };
    conv.forward(&pool, &mut input, &mut tail, to).expect("fitting shapes");
    let alone = sum.to_vec();
    sum.set(18, 0, &before).expect("whole channels");
    let snake = Snake::new(&[0.0; 18], &[1.0; 18]).expect("as many");
    let to = Outputs {
        plain: Some(&mut sum),
        residual: true,
        activated: Some(Activated { snake: &snake, head: 2, signal: &mut activated }),
    };
    conv.forward(&pool, &mut input, &mut tail, to).expect("fitting shapes");
    let expected: Vec<f32> = alone.iter().zip(&before).map(|(y, x)| y + x).collect();
    assert_eq!(sum.to_vec(), expected);
    assert_eq!(activated.to_vec(), expected);
}

#[test]
fn signals_keep_their_values() {
    let mut signal = Signal::new();
    for (channels, time) in [(1, 1), (16, 3), (17, 5), (40, 2), (3, 0)] {
        let values = numbers(channels * time, 11);
        signal.set(channels, 4, &values).expect("whole channels");
        assert_eq!((signal.channels(), signal.time()), (channels, time));
        assert_eq!(signal.to_vec(), values);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    assert!(Conv::causal(&[0.0; 7], &[0.0; 2], 3, 1).is_err());
    assert!(Conv::causal(&[], &[0.0; 2], 3, 1).is_err());
    assert!(Conv::transposed(&[0.0; 7], &[0.0; 2], 3, 2).is_err());
    assert!(Snake::new(&[0.0; 2], &[0.0; 3]).is_err());
    let mut input = Signal::new();
    assert!(input.set(3, 0, &[0.0; 4]).is_err());
    assert!(input.set(0, 0, &[0.0; 4]).is_err());

    let pool = Pool::new(1).expect("the caller");
    let conv = Conv::causal(&[0.0; 12], &[0.0; 2], 3, 1).expect("two taps");
    let mut tail = conv.new_tail();
    let mut refused = |channels, head, to: Outputs<'_>| {
        input.set(channels, head, &vec![0.0; channels * 4]).expect("whole channels");
        conv.forward(&pool, &mut input, &mut tail, to).expect_err("another shape").to_string()
    };
    assert_eq!(refused(2, 1, Outputs::default()), "channels of a signal: 2, expected 3");
    assert_eq!(refused(3, 0, Outputs::default()), "head of a signal: 0, expected 1");
    let mut sum = Signal::new();
    sum.set(2, 0, &[0.0; 6]).expect("three times");
    let to = Outputs { plain: Some(&mut sum), residual: true, activated: None };
    assert_eq!(refused(3, 1, to), "times to add to: 3, expected 4");
    let snake = Snake::new(&[0.0; 3], &[0.0; 3]).expect("as many");
    let activated = Activated { snake: &snake, head: 0, signal: &mut sum };
    let to = Outputs { activated: Some(activated), ..Outputs::default() };
    assert_eq!(refused(3, 1, to), "channels of an activation: 3, expected 2");

    for frame in [3, 64] {
        let conv = Conv::causal_in_frames(&[0.0; 42], &[0.0; 2], 3, 1, frame).expect("seven taps");
        input.set(3, 6, &vec![0.0; 3 * (frame + 1)]).expect("whole channels");
        let refused = conv.forward(&pool, &mut input, &mut conv.new_tail(), Outputs::default());
        let refused = refused.expect_err("a time too many").to_string();
        assert_eq!(refused, "times after the last whole frame: 1, expected 0");
    }
}
