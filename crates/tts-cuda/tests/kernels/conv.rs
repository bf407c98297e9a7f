//! Convolutions of whole signals and of signals in pieces, against exact sums.

use crate::memory::{Memory, assert_near, numbers, queues};
use tts_cuda::{Conv, Float, Queue, Remember};

#[derive(Debug, Clone, Copy)]
struct Case {
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    stride: usize,
    time: usize,
    is_activated: bool,
    is_added: bool,
    limit: Option<f32>,
}

/// From inputs, outputs, taps, dilation, stride and time.
fn case(sizes: [usize; 6], is_activated: bool, is_added: bool, limit: Option<f32>) -> Case {
    let [inputs, outputs, taps, dilation, stride, time] = sizes;
    Case { inputs, outputs, taps, dilation, stride, time, is_activated, is_added, limit }
}

fn cases() -> [Case; 10] {
    [
        case([1, 1, 1, 1, 1, 1], false, false, None),
        case([1, 130, 7, 1, 1, 63], false, false, Some(0.5)),
        case([3, 5, 7, 9, 1, 65], true, true, None),
        case([3, 65, 2, 1, 2, 130], false, true, None),
        case([65, 13, 2, 1, 5, 2], true, false, None),
        case([65, 65, 1, 9, 1, 65], true, true, None),
        case([65, 130, 3, 1, 1, 64], true, false, None),
        case([130, 1, 3, 9, 1, 130], true, false, Some(1.5)),
        case([130, 3, 7, 3, 1, 17], true, true, Some(2.0)),
        case([16, 64, 1, 1, 1, 16], false, false, None),
    ]
}

/// The times `range` of every row of `time`.
fn times(rows: &[f32], time: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    rows.chunks(time).flat_map(|row| row[range.clone()].to_vec()).collect()
}

impl Case {
    fn keep(self) -> usize {
        (self.taps - 1) * self.dilation
    }

    fn rows(self) -> usize {
        self.outputs * self.stride
    }

    fn x(self) -> Vec<f32> {
        numbers(self.inputs * self.time, 1)
    }

    fn tail(self) -> Vec<f32> {
        numbers(self.inputs * self.keep(), 2)
    }

    fn weights(self) -> Vec<f32> {
        numbers(self.taps * self.inputs * self.rows(), 3)
    }

    fn bias(self) -> Vec<f32> {
        numbers(self.outputs, 4)
    }

    fn add(self) -> Vec<f32> {
        numbers(self.rows() * self.time, 5)
    }

    /// Frequencies, with which sines turn around more than once, and gains.
    fn snake(self) -> [Vec<f32>; 2] {
        [(6, 9.0), (7, 0.5)].map(|(seed, scale)| {
            numbers(self.inputs, seed).iter().map(|x| (x + 1.1) * scale).collect()
        })
    }

    /// The outputs for pieces of these lengths, and the tail behind the last one.
    fn run(self, queue: &Queue, pieces: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let memory = |values: &[f32]| Memory::new(Float::F32, values);
        let (x, add) = (self.x(), self.add());
        let (mut tail, mut weights) = (memory(&self.tail()), memory(&self.weights()));
        let (mut bias, snake) = (memory(&self.bias()), self.snake());
        let [mut frequency, mut gain] = [0, 1].map(|i| memory(&snake[i]));
        let mut rows = vec![Vec::new(); self.outputs];
        let mut start = 0;
        for &time in pieces {
            let mut x = memory(&times(&x, self.time, start..start + time));
            let range = start * self.stride..(start + time) * self.stride;
            let mut y = memory(&times(&add, self.time * self.stride, range));
            let tail_address = (self.taps > 1).then(|| tail.address());
            let conv = Conv {
                x: x.address(),
                tail: tail_address,
                inputs: self.inputs as u32,
                time: time as u32,
                snake: self.is_activated.then(|| [frequency.address(), gain.address()]),
                weights: weights.address(),
                bias: bias.address(),
                taps: self.taps as u32,
                dilation: self.dilation as u32,
                outputs: self.outputs as u32,
                stride: self.stride as u32,
                add: self.is_added.then(|| y.address()),
                limit: self.limit,
                y: y.address(),
            };
            // SAFETY: the memory has the sizes of the case and outlives the kernel.
            unsafe { conv.launch(queue) }.expect("a launch");
            if let Some(tail) = tail_address {
                let remember = Remember {
                    x: x.address(),
                    tail,
                    channels: self.inputs as u32,
                    time: time as u32,
                    keep: self.keep() as u32,
                };
                // SAFETY: as before.
                unsafe { remember.launch(queue) }.expect("a launch");
            }
            for (row, y) in rows.iter_mut().zip(y.values().chunks(time * self.stride)) {
                row.extend_from_slice(y);
            }
            start += time;
        }
        assert_eq!(start, self.time);
        (rows.concat(), tail.values())
    }

    fn run_whole(self, queue: &Queue) -> (Vec<f32>, Vec<f32>) {
        self.run(queue, &[self.time])
    }

    /// The tail and then the signal of every channel.
    fn extended(self) -> Vec<Vec<f32>> {
        let (x, tail, keep) = (self.x(), self.tail(), self.keep());
        let channels = 0..self.inputs;
        let extend = |i: usize| {
            [&tail[i * keep..(i + 1) * keep], &x[i * self.time..(i + 1) * self.time]].concat()
        };
        channels.map(extend).collect()
    }

    /// The exact outputs, and the sums of the sizes of what is added.
    fn exact(self) -> (Vec<f64>, Vec<f64>) {
        let [frequency, gain] = self.snake();
        let (weights, bias, add) = (self.weights(), self.bias(), self.add());
        // With the size of what can be rounded: an angle, and what is added to the value.
        let activated: Vec<Vec<(f64, f64)>> = (self.extended().iter().enumerate())
            .map(|(i, channel)| {
                let [frequency, gain] = [frequency[i], gain[i]].map(f64::from);
                let values = channel.iter().map(|&v| f64::from(v));
                let activate = |v: f64| {
                    let angle = v * frequency;
                    let value = v + angle.sin().powi(2) * gain;
                    (value, v.abs() + (1.0 + angle.abs()) * gain)
                };
                let plain = |v: f64| (v, v.abs());
                values.map(|v| if self.is_activated { activate(v) } else { plain(v) }).collect()
            })
            .collect();
        let (mut outputs, mut sizes) = (Vec::new(), Vec::new());
        for (o, &bias) in bias.iter().enumerate() {
            for (t, p) in (0..self.time).flat_map(|t| (0..self.stride).map(move |p| (t, p))) {
                let (mut sum, mut size) = (f64::from(bias), f64::from(bias.abs()));
                for tap in 0..self.taps {
                    for (i, channel) in activated.iter().enumerate() {
                        let row = (tap * self.inputs + i) * self.rows();
                        let weight = f64::from(weights[row + o * self.stride + p]);
                        let (value, value_size) = channel[t + tap * self.dilation];
                        sum += weight * value;
                        size += weight.abs() * value_size;
                    }
                }
                if self.is_added {
                    let add = f64::from(add[outputs.len()]);
                    sum += add;
                    size += add.abs();
                }
                let limit = self.limit.map_or(f64::INFINITY, f64::from);
                outputs.push(sum.clamp(-limit, limit));
                sizes.push(size);
            }
        }
        (outputs, sizes)
    }
}

#[test]
fn convolutions_are_near_the_exact_ones() {
    for case in cases() {
        let (exact, sizes) = case.exact();
        let (found, tail) = case.run_whole(&queues()[0]);
        assert_near(&found, &exact, &sizes, 4e-7, &format!("{case:?}"));
        let last: Vec<f32> = case.extended().iter().flat_map(|x| x[case.time..].to_vec()).collect();
        assert_eq!(tail, last, "{case:?}");
    }
}

#[test]
fn pieces_and_the_order_of_threads_do_not_matter() {
    for case in cases() {
        let [forwards, others @ ..] = queues();
        let whole = case.run_whole(&forwards);
        // Shorter than a tail and longer, narrow and wide; the last one has the rest.
        for (queue, lengths) in others.iter().zip([[1, 17, 2], [16, 30, 64], [3, 5, 100]]) {
            assert_eq!(case.run_whole(queue), whole, "{queue:?} {case:?}");
            let (mut pieces, mut rest) = (Vec::new(), case.time);
            for length in lengths.into_iter().chain([usize::MAX]) {
                let piece = length.min(rest);
                if piece > 0 {
                    pieces.push(piece);
                }
                rest -= piece;
            }
            assert_eq!(case.run(queue, &pieces), whole, "{queue:?} {pieces:?} {case:?}");
        }
    }
}

#[test]
fn silence_is_before_a_signal_without_a_tail() {
    let (inputs, time) = (3, 20);
    let [mut x, mut weights] = [(inputs * time, 1), (7 * inputs, 2)]
        .map(|(n, seed)| Memory::new(Float::F32, &numbers(n, seed)));
    let (mut bias, mut silence) = (Memory::zeros(1), Memory::zeros(inputs * 6));
    let [with, without] = [Some(silence.address()), None].map(|tail| {
        let mut y = Memory::zeros(time);
        let conv = Conv {
            x: x.address(),
            tail,
            inputs: inputs as u32,
            time: time as u32,
            snake: None,
            weights: weights.address(),
            bias: bias.address(),
            taps: 7,
            dilation: 1,
            outputs: 1,
            stride: 1,
            add: None,
            limit: None,
            y: y.address(),
        };
        // SAFETY: the memory has these sizes and outlives the kernel.
        unsafe { conv.launch(&queues()[0]) }.expect("a launch");
        y.values()
    });
    assert_eq!(with, without);
    assert!(with.iter().all(|&y| y != 0.0));
}

#[test]
fn what_is_no_number_passes_a_limit() {
    let mut x = Memory::new(Float::F32, &[f32::NAN, -9.0, 9.0, 0.25]);
    let [mut weights, mut bias, mut y] =
        [vec![1.0], vec![0.0], vec![0.0; 4]].map(|x| Memory::new(Float::F32, &x));
    let conv = Conv {
        x: x.address(),
        tail: None,
        inputs: 1,
        time: 4,
        snake: None,
        weights: weights.address(),
        bias: bias.address(),
        taps: 1,
        dilation: 1,
        outputs: 1,
        stride: 1,
        add: None,
        limit: Some(1.0),
        y: y.address(),
    };
    // SAFETY: the memory has these sizes and outlives the kernel.
    unsafe { conv.launch(&queues()[0]) }.expect("a launch");
    let y = y.values();
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [-1.0, 1.0, 0.25]);
}
