//! Convolutions of seven taps with fewer products, by the algorithm of Toom, Cook and Winograd
//! (S. Winograd, *Arithmetic Complexity of Computations*, 1980; for networks: A. Lavin and S. Gray,
//! arXiv:1509.09308).
//!
//! Four outputs under seven taps are sums over ten inputs. Taken to the values of a polynomial at
//! ten points, inputs and weights are multiplied there, ten products instead of 28; sums over input
//! channels are formed at the points, too. The points are 0, infinity and four pairs ±a. Which
//! pairs decides how much rounding grows (B. Barabasz et al., arXiv:1803.10986). These are the best
//! of those in eighths, and so short that every factor of inputs and outputs is exact.

use std::array;
use std::ops::Range;

use crate::cut::Cut;
use crate::signal::{LANES, Lanes};

/// Taps of the convolutions that this is for.
pub(crate) const TAPS: usize = 7;
/// Points with both signs.
const PAIRS: [f32; N] = [0.375, 0.875, 1.25, 2.5];
const N: usize = 4;
/// Points, and inputs of a tile.
pub(crate) const POINTS: usize = 2 * N + 2;
/// Outputs of a tile.
const OUTPUTS: usize = POINTS + 1 - TAPS;
/// Most tiles of a part: four blocks of sums.
pub(crate) const SLOTS: usize = 24;
/// Tiles of a frame below which weights, ten instead of seven, take longer to read than they save.
const LEAST: usize = 8;

/// The tiles of a part of a signal at all points, sixteen channels of each.
pub(crate) type Tiles = [[Lanes; SLOTS]; POINTS];

pub(crate) const NO_TILES: Tiles = [[Lanes::ZERO; SLOTS]; POINTS];

/// The product of `y - a²` over the pairs but one, in ascending powers of `y`; over all of them if
/// there is no such pair.
const fn product(but: usize) -> [f32; N + 1] {
    let mut product = [0.0; N + 1];
    product[0] = 1.0;
    let mut pair = 0;
    while pair < N {
        if pair != but {
            let square = PAIRS[pair] * PAIRS[pair];
            let mut power = N;
            while power > 0 {
                product[power] = product[power - 1] - square * product[power];
                power -= 1;
            }
            product[0] *= -square;
        }
        pair += 1;
    }
    product
}

const ALL: [f32; N + 1] = product(N);
const BUT: [[f32; N + 1]; N] = [product(0), product(1), product(2), product(3)];

/// The factors of the taps at every point: 0, infinity, then each pair.
const FACTORS: [[f64; TAPS]; POINTS] = {
    let mut factors = [[0.0; TAPS]; POINTS];
    factors[0][0] = 1.0 / ALL[0] as f64;
    factors[1][TAPS - 1] = 1.0;
    let mut pair = 0;
    while pair < N {
        let a = PAIRS[pair] as f64;
        let (mut value, mut power) = (0.0, N);
        while power > 0 {
            power -= 1;
            value = BUT[pair][power] as f64 + a * a * value;
        }
        let (mut factor, mut tap) = (1.0 / (2.0 * a * a * value), 0);
        while tap < TAPS {
            factors[2 * pair + 2][tap] = factor;
            factors[2 * pair + 3][tap] = if tap % 2 == 0 { factor } else { -factor };
            factor *= a;
            tap += 1;
        }
        pair += 1;
    }
    factors
};

/// Seven weights at a point.
pub(crate) fn weight(taps: &[f32; TAPS], point: usize) -> f32 {
    let products = taps.iter().zip(FACTORS[point]).map(|(tap, factor)| f64::from(*tap) * factor);
    products.sum::<f64>() as f32
}

/// Ten inputs at all points. `fma(x, k, sum)` is `x k + sum`, fused.
#[allow(clippy::inline_always)] // into functions of other instruction sets
#[inline(always)]
pub(crate) fn spread<T: Copy>(x: [T; POINTS], fma: impl Fn(T, f32, T) -> T) -> [T; POINTS] {
    // Every other input from one on, with these factors and at last 1.
    let sum = |first: usize, factors: &[f32]| {
        let inputs = x.iter().skip(first).step_by(2);
        let last = x[first + 2 * factors.len()];
        inputs.zip(factors).fold(last, |sum, (x, factor)| fma(*x, *factor, sum))
    };
    let mut v = [sum(0, &ALL[..N]); POINTS];
    v[1] = sum(1, &ALL[..N]);
    for (pair, but) in BUT.iter().enumerate() {
        let (even, odd) = (sum(2, &but[..N - 1]), sum(1, &but[..N - 1]));
        v[2 * pair + 2] = fma(odd, PAIRS[pair], even);
        v[2 * pair + 3] = fma(odd, -PAIRS[pair], even);
    }
    v
}

/// Four outputs from the sums at all points, and the bias. `fma` as for [`spread`].
#[allow(clippy::inline_always)] // into functions of other instruction sets
#[inline(always)]
pub(crate) fn gather<T: Copy>(
    v: [T; POINTS],
    bias: T,
    fma: impl Fn(T, f32, T) -> T,
) -> [T; OUTPUTS] {
    let mut y = [bias; OUTPUTS];
    y[0] = fma(v[0], 1.0, y[0]);
    y[OUTPUTS - 1] = fma(v[1], 1.0, y[OUTPUTS - 1]);
    for (pair, a) in PAIRS.iter().enumerate() {
        let (plus, minus) = (v[2 * pair + 2], v[2 * pair + 3]);
        let sums = [fma(minus, 1.0, plus), fma(minus, -1.0, plus)];
        let mut power = 1.0;
        for (y, sum) in y.iter_mut().zip(sums.into_iter().cycle()) {
            *y = fma(sum, power, *y);
            power *= a;
        }
    }
    y
}

/// Tiles of a signal that comes in whole frames. A tile has outputs `t`, `t + dilation`, … of one
/// frame. At the end of a frame its last outputs are missing; the inputs that only they depend on
/// count as 0, whether or not they have come. So an output is the same sum in every piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiling {
    /// Times of a frame.
    frame: usize,
    dilation: usize,
}

/// Where a tile is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile {
    /// Time of its first output.
    start: usize,
    /// End of its frame.
    end: usize,
}

impl Tiling {
    /// Nothing if direct sums are faster.
    pub(crate) fn new(frame: usize, dilation: usize) -> Option<Self> {
        let tiling = Self { frame, dilation };
        let fits = (1..=SLOTS).contains(&dilation);
        let tiles = if fits { tiling.tiles_of_frame() } else { 0 };
        (tiles >= LEAST && 3 * tiles * POINTS <= 2 * frame * TAPS).then_some(tiling)
    }

    fn tiles_of_frame(self) -> usize {
        let (rounds, rest) = (self.frame / self.round(), self.frame % self.round());
        rounds * self.dilation + rest.min(self.dilation)
    }

    /// Parts of at most [`SLOTS`] tiles: some frames, or some rounds of tiles of every phase of
    /// the dilation, which are neighbouring times.
    pub(crate) fn cut(self) -> Cut {
        let frames = SLOTS / self.tiles_of_frame();
        let rounds = SLOTS / self.dilation;
        let part = if frames > 0 { frames * self.frame } else { rounds * self.round() };
        Cut { run: frames.max(1) * self.frame, part }
    }

    /// The tiles of a part or some frames.
    #[allow(clippy::inline_always)] // into functions of other instruction sets
    #[inline(always)]
    pub(crate) fn tiles(self, times: Range<usize>) -> impl Iterator<Item = Tile> {
        let Self { frame, dilation } = self;
        let mut next = times.start;
        let rounds = std::iter::from_fn(move || {
            let (start, end) = (next, next - next % frame + frame);
            next = end.min(start + self.round());
            (start < times.end).then_some((start, end))
        });
        rounds.flat_map(move |(start, end)| {
            (start..end.min(start + dilation)).map(move |start| Tile { start, end })
        })
    }

    /// The inputs of every tile of a part, from the rows of an input tile and the times before it.
    #[allow(clippy::inline_always)] // into functions of other instruction sets
    #[inline(always)]
    pub(crate) fn inputs(
        self,
        times: Range<usize>,
        rows: &[Lanes],
    ) -> impl Iterator<Item = [&Lanes; POINTS]> {
        self.tiles(times).map(move |Tile { start, end }| {
            let rows = rows.get(start..end + (TAPS - 1) * self.dilation).unwrap_or_default();
            array::from_fn(|input| rows.get(input * self.dilation).unwrap_or(&Lanes::ZERO))
        })
    }

    /// The rows of the outputs of a tile of a part.
    #[allow(clippy::inline_always)] // into functions of other instruction sets
    #[inline(always)]
    pub(crate) fn outputs<'a>(
        self,
        times: &Range<usize>,
        Tile { start, end }: Tile,
        rows: &'a mut [Lanes],
    ) -> impl Iterator<Item = &'a mut Lanes> {
        let first = start - times.start;
        let frame = rows.iter_mut().take(end - times.start);
        frame.skip(first).step_by(self.dilation)
    }

    /// Times of a tile of every phase.
    fn round(self) -> usize {
        OUTPUTS * self.dilation
    }
}

/// Takes the inputs of a part to all points, from the rows of an input tile and the times before.
pub(crate) fn spread_part(tiling: Tiling, times: Range<usize>, rows: &[Lanes], tiles: &mut Tiles) {
    for (slot, x) in (0..SLOTS).zip(tiling.inputs(times, rows)) {
        for lane in 0..LANES {
            let v = spread(x.map(|x| x.0[lane]), f32::mul_add);
            tiles.iter_mut().zip(v).for_each(|(tiles, v)| tiles[slot].0[lane] = v);
        }
    }
}

/// The outputs of a part from its sums at all points.
pub(crate) fn gather_part(
    tiling: Tiling,
    times: Range<usize>,
    tiles: &Tiles,
    bias: &Lanes,
    outputs: &mut [Lanes],
) {
    for (slot, tile) in (0..SLOTS).zip(tiling.tiles(times.clone())) {
        for lane in 0..LANES {
            let v = array::from_fn(|point| tiles[point][slot].0[lane]);
            let y = gather(v, bias.0[lane], f32::mul_add);
            let rows = tiling.outputs(&times, tile, outputs);
            rows.zip(y).for_each(|(row, y)| row.0[lane] = y);
        }
    }
}
