//! Samples to numbers and bytes.

/// A sample as a 16-bit integer.
pub(super) fn pcm16(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32767.0).round() as i16
}

/// Samples as 16-bit integers, little-endian.
pub(super) fn s16le(samples: &[f32]) -> impl Iterator<Item = u8> {
    samples.iter().flat_map(|&sample| pcm16(sample).to_le_bytes())
}

/// Samples as 32-bit floats, little-endian.
pub(super) fn f32le(samples: &[f32]) -> impl Iterator<Item = u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::pcm16;

    #[test]
    fn clamps_to_full_scale() {
        assert_eq!(pcm16(1.0), 32767);
        assert_eq!(pcm16(-1.0), -32767);
        assert_eq!(pcm16(7.5), 32767);
        assert_eq!(pcm16(f32::MIN), -32767);
    }

    #[test]
    fn rounds_halves_away_from_zero() {
        assert_eq!(pcm16(0.4 / 32767.0), 0);
        assert_eq!(pcm16(0.6 / 32767.0), 1);
        assert_eq!(pcm16(0.5), 16384); // 16383.5
        assert_eq!(pcm16(-0.5), -16384);
    }
}
