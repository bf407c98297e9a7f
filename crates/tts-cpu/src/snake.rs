use crate::error::ShapeError;
use crate::signal::{LANES, Lanes};

/// The activation `x + sin²(a x) / b` with a frequency `a` and a gain `1 / b` of each channel.
#[derive(Debug, Clone)]
pub struct Snake {
    channels: usize,
    /// Frequency and gain of sixteen channels.
    tiles: Vec<(Lanes, Lanes)>,
}

impl Snake {
    /// From frequencies and gains, `[channels]` each.
    ///
    /// # Errors
    /// If there are not as many gains as frequencies.
    pub fn new(frequency: &[f32], gain: &[f32]) -> Result<Self, ShapeError> {
        ShapeError::check("gains of an activation", gain.len(), frequency.len())?;
        let tiles = frequency.chunks(LANES).zip(gain.chunks(LANES));
        let tiles = tiles.map(|(frequency, gain)| (lanes(frequency), lanes(gain))).collect();
        Ok(Self { channels: frequency.len(), tiles })
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    pub(crate) fn tile(&self, index: usize) -> Option<&(Lanes, Lanes)> {
        self.tiles.get(index)
    }
}

fn lanes(values: &[f32]) -> Lanes {
    Lanes(std::array::from_fn(|lane| values.get(lane).copied().unwrap_or(0.0)))
}
