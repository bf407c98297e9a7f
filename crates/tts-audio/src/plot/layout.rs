//! Where the parts of a picture go.

use crate::{AudioError, Result};

/// The smallest width and height of a picture, in pixels.
pub const MIN_SIZE: (u32, u32) = (480, 320);
/// The largest width, and the largest height, of a picture, in pixels.
pub const MAX_SIZE: u32 = 8192;

const LEFT: u32 = 64;
const RIGHT: u32 = 84;
const TOP: u32 = 44;
const BOTTOM: u32 = 52;
/// Between the panels; holds the units of the axes below it.
const GAP: u32 = 36;
/// Between the spectrogram and the colour bar.
const BAR_GAP: u32 = 16;
const BAR_WIDTH: u32 = 14;

/// A rectangle of the picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Panel {
    /// The first column to the right of the panel.
    pub(super) fn right(self) -> i32 {
        self.left + self.width as i32
    }

    /// The first row below the panel.
    pub(super) fn bottom(self) -> i32 {
        self.top + self.height as i32
    }

    /// The column at `fraction` of the width, from the left.
    pub(super) fn x_at(self, fraction: f64) -> i32 {
        self.left + (fraction * f64::from(self.width - 1)).round() as i32
    }

    /// The row at `fraction` of the height, from the bottom.
    pub(super) fn y_at(self, fraction: f64) -> i32 {
        self.bottom() - 1 - (fraction * f64::from(self.height - 1)).round() as i32
    }
}

/// The panels of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) waveform: Panel,
    pub(super) spectrogram: Panel,
    pub(super) colour_bar: Panel,
}

impl Layout {
    /// Divides a picture of the given size: a third of the free height goes to
    /// the waveform, the rest to the spectrogram.
    pub(super) fn new(width: u32, height: u32) -> Result<Self> {
        let (min_width, min_height) = MIN_SIZE;
        if !(min_width..=MAX_SIZE).contains(&width) || !(min_height..=MAX_SIZE).contains(&height) {
            return Err(AudioError::PictureSize { width, height });
        }

        let free_height = height - TOP - GAP - BOTTOM;
        let waveform = Panel {
            left: LEFT as i32,
            top: TOP as i32,
            width: width - LEFT - RIGHT,
            height: free_height / 3,
        };
        let spectrogram = Panel {
            top: waveform.bottom() + GAP as i32,
            height: free_height - waveform.height,
            ..waveform
        };
        let colour_bar =
            Panel { left: spectrogram.right() + BAR_GAP as i32, width: BAR_WIDTH, ..spectrogram };
        Ok(Self { waveform, spectrogram, colour_bar })
    }
}
