use crate::kernels::Kernels;
use crate::packed::{PackedError, Reader, Store, Writer};
use crate::pool::Pool;
use crate::signal::{LANES, Lanes};
use crate::window::Window;

/// Sixteen weights of sixteen outputs, times taps, that are used for a whole part before the next.
const RUN: usize = 16;

/// The weights of a convolution as they are read: `[output tiles, phases, input tiles, taps,
/// 16 inputs]` of 16 outputs.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    phases: usize,
    taps: usize,
    /// Rows of an output tile and phase.
    rows: usize,
    weights: Store<Lanes>,
}

/// The inputs that weights are applied to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// `[input tiles, tile_rows]`.
    pub(crate) rows: &'a [Lanes],
    pub(crate) tile_rows: usize,
    /// Rows between the taps.
    pub(crate) dilation: usize,
}

impl Panels {
    /// From the weight of output, phase, input and tap; 0 where there is none.
    pub(crate) fn pack(
        [outputs, inputs]: [usize; 2],
        phases: usize,
        taps: usize,
        weight: impl Fn(usize, usize, usize, usize) -> Option<f32> + Sync,
    ) -> Self {
        let panel = inputs.div_ceil(LANES) * taps * LANES;
        let mut weights = vec![Lanes::ZERO; outputs.div_ceil(LANES) * phases * panel];
        let tiles = weights.chunks_mut((phases * panel).max(1)).enumerate();
        Pool::shared().for_each(tiles, |(tile, rows)| {
            for (index, row) in rows.iter_mut().enumerate() {
                let (phase, index) = (index / panel, index % panel);
                let (tap, input) = (index / LANES % taps, index % LANES);
                let input = index / LANES / taps * LANES + input;
                *row = Lanes::new(|lane| {
                    let output = tile * LANES + lane;
                    let inside = output < outputs && input < inputs;
                    inside.then(|| weight(output, phase, input, tap)).flatten()
                });
            }
        });
        Self { phases, taps, rows: panel, weights: Store::Own(weights) }
    }

    /// Those of a convolution of the same sizes that [`Panels::write`] wrote.
    pub(crate) fn read(
        reader: &mut Reader,
        [outputs, inputs]: [usize; 2],
        phases: usize,
        taps: usize,
    ) -> Result<Self, PackedError> {
        let rows = inputs.div_ceil(LANES).saturating_mul(taps).saturating_mul(LANES);
        let weights = reader.values(&[outputs.div_ceil(LANES), phases, rows])?;
        Ok(Self { phases, taps, rows, weights })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.values(self.weights.values());
    }

    #[cfg(test)]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.weights, Store::Shared(..))
    }

    /// Adds the products of an output tile and phase with neighbouring rows from `start` on.
    pub(crate) fn add(
        &self,
        kernels: Kernels,
        (tile, phase): (usize, usize),
        View { rows, tile_rows, dilation }: View<'_>,
        start: usize,
        sums: &mut [Lanes],
    ) {
        let first = (tile * self.phases + phase) * self.rows;
        let panel = self.weights.values().get(first..first + self.rows).unwrap_or_default();
        let taps = self.taps;
        let tiles = (RUN / taps).max(1);
        let runs = panel.chunks(tiles * taps * LANES);
        for (weights, rows) in runs.zip(rows.chunks(tiles * tile_rows)) {
            let window = Window { weights, rows, tile_rows, taps, dilation };
            let (mut start, mut rest) = (start, &mut *sums);
            while !rest.is_empty() {
                let block = rest.len().div_ceil(rest.len().div_ceil(kernels.block()));
                let (block, after) = rest.split_at_mut(block);
                kernels.accumulate(window, start, block);
                (start, rest) = (start + block.len(), after);
            }
        }
    }
}
