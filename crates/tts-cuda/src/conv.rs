//! Causal convolutions, and the tails of signals that they need.

use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

/// Rows of outputs, and times, of a block.
const TILE: u32 = 64;
const THREADS: u32 = 256;
/// Channels of a block that remembers: one of each warp.
const CHANNELS: u32 = THREADS / 32;

/// A causal convolution, ordinary or transposed, of a signal that comes in pieces.
///
/// Output `o` at time `t * stride + p` is the sum over taps `k` and inputs `i` of `weights[k, i, o *
/// stride + p]` times input `i` at time `t - (taps - 1 - k) * dilation`. All numbers are f32. Pieces of
/// any length give the same bits.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// The piece, `[inputs, time]`.
    pub x: Address,
    /// What was before it, `[inputs, (taps - 1) * dilation]`, as [`Remember`] leaves it; `None` is
    /// silence. Convolutions of one tap need none.
    pub tail: Option<Address>,
    /// Channels of the piece.
    pub inputs: u32,
    /// Times of the piece, above 0.
    pub time: u32,
    /// Frequency and gain, `[inputs]` each: inputs count as `x + sin(x * frequency)^2 * gain`.
    pub snake: Option<[Address; 2]>,
    /// `[taps, inputs, outputs * stride]`, the tap of the oldest input first.
    pub weights: Address,
    /// `[outputs]`.
    pub bias: Address,
    /// Taps, above 0.
    pub taps: u32,
    /// Times from one tap to the next.
    pub dilation: u32,
    /// Channels of the outputs.
    pub outputs: u32,
    /// Outputs of a channel for every input; 1 unless the convolution is transposed.
    pub stride: u32,
    /// Is added to the outputs, `[outputs, time * stride]`. It may be `y` itself.
    pub add: Option<Address>,
    /// The largest size of an output; larger ones get this size.
    pub limit: Option<f32>,
    /// Takes the outputs, `[outputs, time * stride]`.
    pub y: Address,
}

impl Conv {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let rows = self.outputs * self.stride;
        let launch = Launch {
            grid: [self.time.div_ceil(TILE), rows.div_ceil(TILE), 1],
            block: [THREADS, 1, 1],
            shared: 0,
        };
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(self.tail),
            Arg::U32(self.inputs),
            Arg::U32(self.time),
            Arg::Memory(self.snake.map(|[frequency, _]| frequency)),
            Arg::Memory(self.snake.map(|[_, gain]| gain)),
            Arg::Memory(Some(self.weights)),
            Arg::Memory(Some(self.bias)),
            Arg::U32(self.taps),
            Arg::U32(self.dilation),
            Arg::U32(self.outputs),
            Arg::U32(self.stride),
            Arg::Memory(self.add),
            Arg::F32(self.limit.unwrap_or(f32::INFINITY)),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Conv, launch, &args) }
    }
}

/// The tail of a signal, once there is a further piece of it: the last values of the tail before and
/// the piece.
#[derive(Debug, Clone, Copy)]
pub struct Remember {
    /// The piece, `[channels, time]` in f32.
    pub x: Address,
    /// `[channels, keep]` in f32.
    pub tail: Address,
    /// Channels.
    pub channels: u32,
    /// Times of the piece.
    pub time: u32,
    /// Times of the tail.
    pub keep: u32,
}

impl Remember {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`Conv::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let launch = Launch {
            grid: [self.channels.div_ceil(CHANNELS), 1, 1],
            block: [THREADS, 1, 1],
            shared: 0,
        };
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(Some(self.tail)),
            Arg::U32(self.channels),
            Arg::U32(self.time),
            Arg::U32(self.keep),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Remember, launch, &args) }
    }
}
