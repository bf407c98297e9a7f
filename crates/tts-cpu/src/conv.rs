use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::ShapeError;
use crate::kernels::Kernels;
use crate::packed::{Packed, PackedError, Reader, Store, Writer};
use crate::pool::Pool;
use crate::signal::{LANES, Lanes, Signal, Tail};
use crate::snake::Snake;
use crate::window::{BLOCK, WIDE_BLOCK, Window};

/// Most times of a part, whole blocks: its sums and a run of weights stay in the first cache.
const PART: usize = 16 * BLOCK;
const _: () = assert!(PART.is_multiple_of(WIDE_BLOCK));
/// Sixteen weights of sixteen outputs, times taps, that are used for a whole part before the next.
const RUN: usize = 16;
/// Parts for every member of a team, so that all end at about the same time.
const PARTS_EACH: usize = 4;

/// Products below which one thread is done before another has woken up.
const ALONE: usize = 1 << 18;

/// A causal convolution of stride 1, or a transposed one of any stride that is trimmed on the
/// right only, over pieces of a signal.
///
/// Every output is one sum in a fixed order: bias, then input tile by input tile, tap by tap,
/// channel by channel, each product fused with its addition. It is the same, bit for bit, on every
/// processor, with any number of threads and in whatever pieces a signal comes.
#[derive(Debug, Clone)]
pub struct Conv {
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    /// Outputs in time of each input.
    stride: usize,
    /// `[output tiles, stride, input tiles, taps, 16 inputs]` of 16 outputs.
    weights: Store<Lanes>,
    /// `[output tiles]`.
    bias: Store<Lanes>,
    kernels: Kernels,
}

/// What becomes of the outputs `y` of a convolution.
#[derive(Debug, Default)]
pub struct Outputs<'a> {
    /// Takes `y`.
    pub plain: Option<&'a mut Signal>,
    /// `y` is added to what `plain` holds, and the sum takes its place from there on.
    pub residual: bool,
    /// Takes the activation of `y`.
    pub activated: Option<Activated<'a>>,
}

/// Outputs after their activation.
#[derive(Debug)]
pub struct Activated<'a> {
    /// The activation.
    pub snake: &'a Snake,
    /// Times that the convolution after it [keeps](Conv::keep).
    pub head: usize,
    /// Takes the values.
    pub signal: &'a mut Signal,
}

impl Conv {
    /// A causal convolution: output `t` depends on inputs up to `t`. From a weight
    /// `[outputs, inputs, kernel]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// If the weight has another size, or nothing in it.
    pub fn causal(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        dilation: usize,
    ) -> Result<Self, ShapeError> {
        let outputs = bias.len();
        let kernel = weight.len().checked_div(outputs * inputs).unwrap_or(0).max(1);
        ShapeError::check("weights of a convolution", weight.len(), outputs * inputs * kernel)?;
        let conv = Self::empty(inputs, bias, kernel, 1);
        Ok(Self { dilation, ..conv }.pack(|output, _, input, tap| {
            weight.get((output * inputs + input) * kernel + tap).copied()
        }))
    }

    /// A transposed convolution: `stride` outputs of each input. From a weight
    /// `[inputs, outputs, kernel]` and a bias `[outputs]`.
    ///
    /// Output `t * stride + j` is the sum over `m` of tap `j + m * stride` applied to input
    /// `t - m`: as many convolutions without zeros between the inputs as the stride.
    ///
    /// # Errors
    /// If the weight has another size, or nothing in it.
    pub fn transposed(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        stride: usize,
    ) -> Result<Self, ShapeError> {
        let (outputs, stride) = (bias.len(), stride.max(1));
        let kernel = weight.len().checked_div(outputs * inputs).unwrap_or(0).max(1);
        ShapeError::check("weights of a convolution", weight.len(), outputs * inputs * kernel)?;
        let taps = kernel.div_ceil(stride);
        Ok(Self::empty(inputs, bias, taps, stride).pack(|output, phase, input, tap| {
            let tap = phase + (taps - 1 - tap) * stride;
            let start = (input * outputs + output) * kernel;
            weight.get(start..start + kernel)?.get(tap).copied()
        }))
    }

    fn empty(inputs: usize, bias: &[f32], taps: usize, stride: usize) -> Self {
        let lanes = |bias: &[f32]| lanes(|lane| bias.get(lane).copied());
        Self {
            inputs,
            outputs: bias.len(),
            taps,
            dilation: 1,
            stride,
            weights: Store::Own(Vec::new()),
            bias: Store::Own(bias.chunks(LANES).map(lanes).collect()),
            kernels: Kernels::detect(),
        }
    }

    /// With the weight of output, phase, input and tap; 0 where there is none.
    fn pack(mut self, weight: impl Fn(usize, usize, usize, usize) -> Option<f32> + Sync) -> Self {
        let panel = self.panel();
        let mut weights = vec![Lanes::ZERO; self.tiles() * self.stride * panel];
        let tiles = weights.chunks_mut((self.stride * panel).max(1)).enumerate();
        Pool::shared().for_each(tiles, |(tile, rows)| {
            for (index, row) in rows.iter_mut().enumerate() {
                let (phase, index) = (index / panel, index % panel);
                let (tap, input) = (index / LANES % self.taps, index % LANES);
                let input = index / LANES / self.taps * LANES + input;
                *row = lanes(|lane| {
                    let output = tile * LANES + lane;
                    let inside = output < self.outputs && input < self.inputs;
                    inside.then(|| weight(output, phase, input, tap)).flatten()
                });
            }
        });
        self.weights = Store::Own(weights);
        self
    }

    /// The same convolution, computed by other kernels than the fastest.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { kernels, ..self }
    }

    /// Channels of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Channels of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Times before a piece that its outputs depend on.
    pub fn keep(&self) -> usize {
        (self.taps - 1) * self.dilation
    }

    /// Products and sums for each time of the input.
    pub fn multiply_adds(&self) -> usize {
        self.outputs * self.stride * self.taps * self.inputs
    }

    /// The memory at the start of a signal.
    pub fn new_tail(&self) -> Tail {
        Tail::new(self.inputs, self.keep())
    }

    /// Continues a signal by the piece in `input`. Signals that take outputs get their shape
    /// from it; no memory is taken that they had before.
    ///
    /// # Errors
    /// If the input has other channels or another head than the convolution, or the signal
    /// that outputs are added to another shape than the outputs. Nothing is done then.
    pub fn forward(
        &self,
        pool: &Pool,
        input: &mut Signal,
        tail: &mut Tail,
        outputs: Outputs<'_>,
    ) -> Result<(), ShapeError> {
        ShapeError::check("channels of a signal", input.channels(), self.inputs)?;
        ShapeError::check("head of a signal", input.head(), self.keep())?;
        let Outputs { mut plain, residual, mut activated } = outputs;
        let time = input.time() * self.stride;
        if let Some(Activated { snake, .. }) = &activated {
            ShapeError::check("channels of an activation", snake.channels(), self.outputs)?;
        }
        match &mut plain {
            Some(plain) if residual => {
                ShapeError::check("channels to add to", plain.channels(), self.outputs)?;
                ShapeError::check("times to add to", plain.time(), time)?;
            }
            Some(plain) => plain.reshape(self.outputs, 0, time),
            None => {}
        }
        if let Some(Activated { head, signal, .. }) = &mut activated {
            signal.reshape(self.outputs, *head, time);
        }
        input.follow(tail);
        let input = &*input;
        let part = self.part(input.time(), pool.size());
        let parts = input.time().div_ceil(part);
        let snake = activated.as_ref().map(|activated| activated.snake);
        let plain = parts_of(plain, part * self.stride);
        let activated = parts_of(activated.map(|a| a.signal), part * self.stride);
        let queue = Mutex::new((0..self.tiles() * parts).zip(plain.zip(activated)));
        let work = || {
            let mut sums = [Lanes::ZERO; PART];
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, (plain, activated))) = next else { break };
                let (tile, start) = (index / parts, index % parts * part);
                let times = start..input.time().min(start + part);
                let Some(sums) = sums.get_mut(..times.len()) else { break };
                for phase in 0..self.stride {
                    self.sum(input, tile, phase, times.clone(), sums);
                    let rows = plain.iter_mut().skip(phase).step_by(self.stride);
                    for (row, sum) in rows.zip(&mut *sums) {
                        if residual {
                            sum.0.iter_mut().zip(row.0).for_each(|(sum, value)| *sum += value);
                        }
                        *row = *sum;
                    }
                    let Some((frequency, gain)) = snake.and_then(|snake| snake.tile(tile)) else {
                        continue;
                    };
                    self.kernels.snake(sums, frequency, gain);
                    let rows = activated.iter_mut().skip(phase).step_by(self.stride);
                    rows.zip(&*sums).for_each(|(row, sum)| *row = *sum);
                }
            }
        };
        if input.time() * self.multiply_adds() < ALONE {
            work();
        } else {
            pool.run(|_| work());
        }
        Ok(())
    }

    /// Sixteen outputs of one phase, `[times, 16]`.
    fn sum(
        &self,
        input: &Signal,
        tile: usize,
        phase: usize,
        times: Range<usize>,
        sums: &mut [Lanes],
    ) {
        let start = (tile * self.stride + phase) * self.panel();
        let panel = self.weights.values().get(start..start + self.panel()).unwrap_or_default();
        sums.fill(self.bias.values().get(tile).copied().unwrap_or(Lanes::ZERO));
        let tiles = (RUN / self.taps).max(1);
        let (taps, dilation, tile_rows) = (self.taps, self.dilation, input.tile_rows());
        let runs = panel.chunks(tiles * taps * LANES);
        for (weights, rows) in runs.zip(input.rows().chunks(tiles * tile_rows)) {
            let window = Window { weights, rows, tile_rows, taps, dilation };
            let (mut start, mut rest) = (times.start, &mut *sums);
            while !rest.is_empty() {
                let block = rest.len().div_ceil(rest.len().div_ceil(self.kernels.block()));
                let (block, after) = rest.split_at_mut(block);
                self.kernels.accumulate(window, start, block);
                (start, rest) = (start + block.len(), after);
            }
        }
    }

    /// Times that one member computes at once.
    fn part(&self, time: usize, members: usize) -> usize {
        let least = (members * PARTS_EACH).div_ceil(self.tiles().max(1));
        let block = self.kernels.block();
        let parts = time.div_ceil(PART).max(if members > 1 { least } else { 1 }).max(1);
        time.div_ceil(parts).next_multiple_of(block).clamp(block, PART)
    }

    /// Tiles of sixteen outputs.
    fn tiles(&self) -> usize {
        self.outputs.div_ceil(LANES)
    }

    /// Weights of an output tile and phase, in rows.
    fn panel(&self) -> usize {
        let tiles = self.inputs.div_ceil(LANES);
        tiles.saturating_mul(self.taps).saturating_mul(LANES)
    }

    #[cfg(test)]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.weights, Store::Shared(..))
    }
}

/// Most taps, and so on, of a convolution that was kept as bytes.
const LONGEST: usize = 1 << 12;

/// In front of a packed convolution; another one for every layout that there was.
const TAG: [u8; 8] = *b"ttsconv1";

impl Packed for Conv {
    fn write(&self, writer: &mut Writer) {
        let Self { inputs, outputs, taps, dilation, stride, .. } = *self;
        writer.header(TAG, &[inputs, outputs, taps, dilation, stride]);
        writer.values(self.bias.values());
        writer.values(self.weights.values());
    }

    fn read(reader: &mut Reader) -> Result<Self, PackedError> {
        let [inputs, outputs, taps, dilation, stride] = reader.header(TAG)?;
        for size in [taps, dilation, stride] {
            ShapeError::check("taps, dilation or stride", size, size.clamp(1, LONGEST))?;
        }
        let conv = Self { taps, dilation, stride, ..Self::empty(inputs, &[], taps, stride) };
        let mut conv = Self { outputs, ..conv };
        conv.bias = reader.values(&[conv.tiles()])?;
        conv.weights = reader.values(&[conv.tiles(), stride, conv.panel()])?;
        Ok(conv)
    }
}

fn lanes(value: impl Fn(usize) -> Option<f32>) -> Lanes {
    Lanes(std::array::from_fn(|lane| value(lane).unwrap_or(0.0)))
}

/// [`Signal::parts_mut`], or nothing forever.
fn parts_of(signal: Option<&mut Signal>, rows: usize) -> impl Iterator<Item = &mut [Lanes]> {
    let is_missing = signal.is_none();
    let nothing = std::iter::repeat_with(<&mut [Lanes]>::default).take_while(move |_| is_missing);
    signal.into_iter().flat_map(move |signal| signal.parts_mut(rows)).chain(nothing)
}
