use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::cut::Cut;
use crate::error::ShapeError;
use crate::kernels::Kernels;
use crate::packed::{Packed, PackedError, Reader, Store, Writer};
use crate::panels::{Panels, View};
use crate::pool::Pool;
use crate::signal::{LANES, Lanes, Signal, Tail};
use crate::snake::Snake;
use crate::window::{BLOCK, WIDE_BLOCK};
use crate::winograd::{self, NO_TILES, POINTS, SLOTS, TAPS, Tiles, Tiling};

/// Most times of a part, whole blocks: its sums and a run of weights stay in the first cache.
const PART: usize = 16 * BLOCK;
const _: () = assert!(PART.is_multiple_of(WIDE_BLOCK));
/// Parts for every member of a team, so that all end at about the same time.
const PARTS_EACH: usize = 4;

/// Products below which one thread is done before another has woken up.
const ALONE: usize = 1 << 18;

/// Bytes of a piece in tiles at once, unless a frame has more: the last cache still has them for
/// the last outputs.
const TILED: usize = 2 << 20;

/// A causal convolution of stride 1, or a transposed one of any stride that is trimmed on the
/// right only, over pieces of a signal.
///
/// Every output is one sum in a fixed order: bias, then input tile by input tile, tap by tap,
/// channel by channel, each product fused with its addition. It is the same, bit for bit, on every
/// processor, with any number of threads and in whatever pieces a signal comes. A convolution [in
/// frames](Conv::causal_in_frames) may have another order, and keeps that promise for pieces of
/// whole frames.
#[derive(Debug, Clone)]
pub struct Conv {
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    /// Outputs in time of each input.
    stride: usize,
    /// Times of a frame.
    frame: usize,
    /// How a frame falls into tiles, if sums are not direct.
    tiling: Option<Tiling>,
    /// With a phase for each of the stride or, in tiles, one tap and a phase for each point.
    panels: Panels,
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

/// Some outputs that are computed at once.
#[derive(Debug)]
struct Part {
    /// Output tile.
    tile: usize,
    /// Phase of the stride.
    phase: usize,
    /// Number of the part in its tile.
    index: usize,
    /// Times of the input.
    times: Range<usize>,
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
        let taps = kernel(weight, bias, inputs)?;
        let panels = Panels::pack([bias.len(), inputs], 1, taps, |output, _, input, tap| {
            weight.get((output * inputs + input) * taps + tap).copied()
        });
        Ok(Self { dilation, ..Self::new(panels, bias, inputs, taps) })
    }

    /// As [`Conv::causal`], over a signal whose pieces are whole frames of `frame` times each.
    ///
    /// With seven taps and frames that are long enough, it computes four outputs of a frame that
    /// are `dilation` apart from ten products instead of 28 for each input channel. In the mean
    /// square such sums of white signals are off by four times what direct ones are with many
    /// channels and by eight times with a few: 2e-6 of the outputs with 96 input channels, 5e-6
    /// with 768. Weights take 10/7 of the memory, and every input signal keeps 2 MB, or a frame if
    /// that is more, in tiles.
    ///
    /// # Errors
    /// If the weight has another size, or nothing in it.
    pub fn causal_in_frames(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        dilation: usize,
        frame: usize,
    ) -> Result<Self, ShapeError> {
        let taps = kernel(weight, bias, inputs)?;
        let tiling = if taps == TAPS { Tiling::new(frame, dilation) } else { None };
        let frame = frame.max(1);
        if tiling.is_none() {
            return Ok(Self { frame, ..Self::causal(weight, bias, inputs, dilation)? });
        }
        let (weights, _) = weight.as_chunks::<TAPS>();
        let panels = Panels::pack([bias.len(), inputs], POINTS, 1, |output, point, input, _| {
            Some(winograd::weight(weights.get(output * inputs + input)?, point))
        });
        Ok(Self { dilation, frame, tiling, ..Self::new(panels, bias, inputs, taps) })
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
        let kernel = kernel(weight, bias, inputs)?;
        let taps = kernel.div_ceil(stride);
        let panels = Panels::pack([outputs, inputs], stride, taps, |output, phase, input, tap| {
            let tap = phase + (taps - 1 - tap) * stride;
            let start = (input * outputs + output) * kernel;
            weight.get(start..start + kernel)?.get(tap).copied()
        });
        Ok(Self { stride, ..Self::new(panels, bias, inputs, taps) })
    }

    fn new(panels: Panels, bias: &[f32], inputs: usize, taps: usize) -> Self {
        let lanes = |bias: &[f32]| Lanes::new(|lane| bias.get(lane).copied());
        Self {
            inputs,
            outputs: bias.len(),
            taps,
            dilation: 1,
            stride: 1,
            frame: 1,
            tiling: None,
            panels,
            bias: Store::Own(bias.chunks(LANES).map(lanes).collect()),
            kernels: Kernels::detect(),
        }
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
    /// If the input has other channels or another head than the convolution or is not whole
    /// frames, or the signal that outputs are added to has another shape than the outputs. Nothing
    /// is done then.
    pub fn forward(
        &self,
        pool: &Pool,
        input: &mut Signal,
        tail: &mut Tail,
        mut outputs: Outputs<'_>,
    ) -> Result<(), ShapeError> {
        ShapeError::check("channels of a signal", input.channels(), self.inputs)?;
        ShapeError::check("head of a signal", input.head(), self.keep())?;
        ShapeError::check("times after the last whole frame", input.time() % self.frame, 0)?;
        let Outputs { plain, residual, activated } = &mut outputs;
        let time = input.time() * self.stride;
        if let Some(Activated { snake, .. }) = activated {
            ShapeError::check("channels of an activation", snake.channels(), self.outputs)?;
        }
        match plain {
            Some(plain) if *residual => {
                ShapeError::check("channels to add to", plain.channels(), self.outputs)?;
                ShapeError::check("times to add to", plain.time(), time)?;
            }
            Some(plain) => plain.reshape(self.outputs, 0, time),
            None => {}
        }
        if let Some(Activated { head, signal, .. }) = activated {
            signal.reshape(self.outputs, *head, time);
        }
        input.follow(tail);
        let team = (input.time() * self.multiply_adds() >= ALONE).then_some(pool);
        match self.tiling {
            None => self.sum(team, input, outputs),
            Some(tiling) => self.sum_in_tiles(team, tiling, input, outputs),
        }
        Ok(())
    }

    fn sum(&self, team: Option<&Pool>, input: &Signal, outputs: Outputs<'_>) {
        let (rows, tile_rows, dilation) = (input.rows(), input.tile_rows(), self.dilation);
        let rows = View { rows, tile_rows, dilation };
        let part = self.part(input.time(), team.map_or(1, Pool::size));
        let cut = Cut { run: part, part };
        self.finish(
            team,
            cut,
            0..input.time(),
            outputs,
            || (),
            |(), part, sums| {
                sums.fill(self.bias.values().get(part.tile).copied().unwrap_or(Lanes::ZERO));
                let panel = (part.tile, part.phase);
                self.panels.add(self.kernels, panel, rows, part.times.start, sums);
            },
        );
    }

    /// Some frames after the other: their inputs in tiles, then their outputs.
    fn sum_in_tiles(
        &self,
        team: Option<&Pool>,
        tiling: Tiling,
        input: &mut Signal,
        mut outputs: Outputs<'_>,
    ) {
        let (time, tile_rows) = (input.time(), input.tile_rows());
        let (input_tiles, cut) = (self.inputs.div_ceil(LANES), tiling.cut());
        let parts = TILED / (input_tiles.max(1) * size_of::<Tiles>());
        let frames = (parts / cut.parts(cut.run)).max(1) * cut.run;
        for start in (0..time).step_by(frames) {
            let times = start..time.min(start + frames);
            let parts = cut.parts(times.len());
            let (rows, tiles) = input.with_tiles(parts * input_tiles);
            let input_tile = |index: usize| rows.chunks_exact(tile_rows).nth(index);
            each(team, tiles.iter_mut().enumerate(), |(index, tiles)| {
                let part = cut.part(&times, index / input_tiles);
                if let Some(rows) = input_tile(index % input_tiles) {
                    self.kernels.spread(tiling, part, rows, tiles);
                }
            });
            let tiles = &*tiles;
            let memory = || NO_TILES;
            self.finish(
                team,
                cut,
                times.clone(),
                outputs.again(),
                memory,
                |products, part, sums| {
                    let count = tiling.tiles(part.times.clone()).count();
                    let start = part.index * input_tiles;
                    let tiles = tiles.get(start..start + input_tiles).unwrap_or_default();
                    let rows = tiles.as_flattened().as_flattened();
                    let rows = View { rows, tile_rows: POINTS * SLOTS, dilation: 1 };
                    for (point, sums) in products.iter_mut().enumerate() {
                        let sums = sums.get_mut(..count).unwrap_or_default();
                        sums.fill(Lanes::ZERO);
                        let panel = (part.tile, point);
                        self.panels.add(self.kernels, panel, rows, point * SLOTS, sums);
                    }
                    let bias = self.bias.values().get(part.tile).unwrap_or(&Lanes::ZERO);
                    self.kernels.gather(tiling, part.times, products, bias, sums);
                },
            );
        }
    }

    /// Makes `outputs` of the sums, `[times, 16]` of every part of `times`. Every member of the
    /// team has a `memory` for its sums, whatever the part before left in it.
    fn finish<M>(
        &self,
        team: Option<&Pool>,
        cut: Cut,
        times: Range<usize>,
        outputs: Outputs<'_>,
        memory: impl Fn() -> M + Sync,
        sum: impl Fn(&mut M, Part, &mut [Lanes]) + Sync,
    ) {
        let (parts, residual) = (cut.parts(times.len()), outputs.residual);
        let snake = outputs.activated.as_ref().map(|activated| activated.snake);
        let activated = outputs.activated.map(|activated| activated.signal);
        let plain = parts_of(outputs.plain, times.clone(), cut, self.stride);
        let activated = parts_of(activated, times.clone(), cut, self.stride);
        let queue = Mutex::new((0..self.tiles() * parts).zip(plain.zip(activated)));
        let work = || {
            let mut sums = [Lanes::ZERO; PART];
            let mut memory = memory();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, (plain, activated))) = next else { break };
                let (tile, index) = (index / parts, index % parts);
                let times = cut.part(&times, index);
                let Some(sums) = sums.get_mut(..times.len()) else { break };
                for phase in 0..self.stride {
                    sum(&mut memory, Part { tile, phase, index, times: times.clone() }, sums);
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
        match team {
            Some(pool) => pool.run(|_| work()),
            None => work(),
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

    #[cfg(test)]
    pub(crate) fn is_shared(&self) -> bool {
        self.panels.is_shared()
    }
}

/// Most taps, and so on, of a convolution that was kept as bytes.
const LONGEST: usize = 1 << 12;

/// In front of a packed convolution; another one for every layout that there was.
const TAG: [u8; 8] = *b"ttsconv1";

impl Packed for Conv {
    fn write(&self, writer: &mut Writer) {
        let Self { inputs, outputs, taps, dilation, stride, frame, .. } = *self;
        let points = if self.tiling.is_some() { POINTS } else { 0 };
        writer.header(TAG, &[inputs, outputs, taps, dilation, stride, frame, points]);
        writer.values(self.bias.values());
        self.panels.write(writer);
    }

    fn read(reader: &mut Reader) -> Result<Self, PackedError> {
        let [inputs, outputs, taps, dilation, stride, frame, points] = reader.header(TAG)?;
        for size in [taps, dilation, stride, frame.div_ceil(LONGEST)] {
            ShapeError::check("a size of a convolution", size, size.clamp(1, LONGEST))?;
        }
        let tiling = if points > 0 { Tiling::new(frame, dilation) } else { None };
        let (phases, tap_rows) = if tiling.is_some() { (POINTS, 1) } else { (stride, taps) };
        ShapeError::check("points of a convolution", points, tiling.map_or(0, |_| POINTS))?;
        Ok(Self {
            inputs,
            outputs,
            taps,
            dilation,
            stride,
            frame,
            tiling,
            bias: reader.values(&[outputs.div_ceil(LANES)])?,
            panels: Panels::read(reader, [outputs, inputs], phases, tap_rows)?,
            kernels: Kernels::detect(),
        })
    }
}

impl Outputs<'_> {
    /// The same outputs, once more.
    fn again(&mut self) -> Outputs<'_> {
        let activated = self.activated.as_mut();
        Outputs {
            plain: self.plain.as_deref_mut(),
            residual: self.residual,
            activated: activated.map(|Activated { snake, head, signal }| Activated {
                snake,
                head: *head,
                signal,
            }),
        }
    }
}

/// Taps of the kernel of a weight.
fn kernel(weight: &[f32], bias: &[f32], inputs: usize) -> Result<usize, ShapeError> {
    let pairs = bias.len() * inputs;
    let kernel = weight.len().checked_div(pairs).unwrap_or(0).max(1);
    ShapeError::check("weights of a convolution", weight.len(), pairs * kernel)?;
    Ok(kernel)
}

/// [`Pool::for_each`], or without a team.
fn each<T>(team: Option<&Pool>, items: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    match team {
        Some(pool) => pool.for_each(items, work),
        None => items.for_each(work),
    }
}

/// [`Signal::parts_mut`], or nothing forever.
fn parts_of(
    signal: Option<&mut Signal>,
    times: Range<usize>,
    cut: Cut,
    stride: usize,
) -> impl Iterator<Item = &mut [Lanes]> {
    let is_missing = signal.is_none();
    let nothing = std::iter::repeat_with(<&mut [Lanes]>::default).take_while(move |_| is_missing);
    let parts = signal.into_iter().flat_map(move |s| s.parts_mut(times.clone(), cut, stride));
    parts.chain(nothing)
}
