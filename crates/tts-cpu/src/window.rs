//! Sums of products under the taps of a convolution, and the activation after them, on any
//! processor. Every product is fused with its addition, so wider registers give the same bits.

use crate::signal::{LANES, Lanes};

/// Times whose sums are held in registers together.
pub(crate) const BLOCK: usize = 6;
/// As [`BLOCK`], where [`crate::Kernels::wide`] is true.
pub(crate) const WIDE_BLOCK: usize = 8;

/// Some input tiles of a convolution, and the weights of one output tile for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// `[input tiles, taps, 16 inputs]` of 16 outputs.
    pub(crate) weights: &'a [Lanes],
    /// `[input tiles, tile_rows]`.
    pub(crate) rows: &'a [Lanes],
    pub(crate) tile_rows: usize,
    pub(crate) taps: usize,
    pub(crate) dilation: usize,
}

impl<'a> Window<'a> {
    /// The weights of a tap of an input tile, and the inputs of `N` neighbouring times under it.
    #[allow(clippy::inline_always)] // into functions of other instruction sets
    #[inline(always)]
    pub(crate) fn products<const N: usize>(
        self,
        start: usize,
    ) -> impl Iterator<Item = (&'a [Lanes; LANES], &'a [Lanes; N])> {
        let tiles = self.weights.chunks_exact(self.taps * LANES);
        tiles.zip(self.rows.chunks_exact(self.tile_rows)).flat_map(move |(weights, rows)| {
            let taps = weights.as_chunks::<LANES>().0.iter().enumerate();
            taps.filter_map(move |(tap, weights)| {
                let rows = rows.get(start + tap * self.dilation..)?;
                Some((weights, rows.first_chunk::<N>()?))
            })
        })
    }
}

/// Adds the products of a block of times from `start` on to their sums.
pub(crate) fn accumulate(window: Window<'_>, start: usize, sums: &mut [Lanes]) {
    for (row, sum) in sums.iter_mut().enumerate() {
        for (weights, [inputs]) in window.products::<1>(start + row) {
            for (weights, input) in weights.iter().zip(inputs.0) {
                for (sum, weight) in sum.0.iter_mut().zip(weights.0) {
                    *sum = input.mul_add(weight, *sum);
                }
            }
        }
    }
}

/// `x + gain sin²(frequency x)`, in place.
pub(crate) fn snake(rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
    for row in rows {
        for ((x, frequency), gain) in row.0.iter_mut().zip(frequency.0).zip(gain.0) {
            let sine = sine(frequency * *x);
            *x = gain.mul_add(sine * sine, *x);
        }
    }
}

/// π in three parts, the first two short enough to be multiplied exactly.
pub(crate) const PI_PARTS: [f32; 3] = [3.140_625, 9.670_257_6e-4, 6.278_329_6e-7];
/// The Taylor coefficients of the sine from r¹³ down to r³; the next term is below 1e-9 at π/2.
pub(crate) const SERIES: [f32; 6] = [
    1.605_904_4e-10,
    -2.505_210_8e-8,
    2.755_731_9e-6,
    -1.984_127e-4,
    8.333_333e-3,
    -1.666_666_7e-1,
];

/// The sine but for its sign: the period is π. The absolute error of its square is below 3e-7
/// for arguments up to 1e4 in size.
fn sine(x: f32) -> f32 {
    let turns = (x * std::f32::consts::FRAC_1_PI).round_ties_even();
    let r = PI_PARTS.iter().fold(x, |r, part| (-turns).mul_add(*part, r));
    let r2 = r * r;
    let [first, rest @ ..] = SERIES;
    let series = rest.iter().fold(first, |series, term| series.mul_add(r2, *term));
    (r * r2).mul_add(series, r)
}

#[cfg(test)]
mod tests {
    use super::sine;

    #[test]
    fn squared_sine_stays_within_its_bound() {
        let mut worst = 0_f64;
        for i in -2_000_000..=2_000_000 {
            let x = i as f32 * 0.005;
            let exact = f64::from(x).sin().powi(2);
            worst = worst.max((f64::from(sine(x) * sine(x)) - exact).abs());
        }
        assert!(worst < 3e-7, "{worst:e}");
    }
}
