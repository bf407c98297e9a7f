//! A finished picture.

use crate::{AudioError, Result};

/// An RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `height` rows of `width` pixels of three bytes: red, green, blue.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Encodes the picture as a PNG file in memory.
    ///
    /// # Errors
    ///
    /// [`AudioError::Png`] if a side is zero or `rgb` does not have
    /// `3 * width * height` bytes.
    pub fn encode_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_png(&mut bytes).map_err(AudioError::Png)?;
        Ok(bytes)
    }

    fn write_png(&self, bytes: &mut Vec<u8>) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()
    }
}
