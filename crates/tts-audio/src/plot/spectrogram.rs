//! Short-time power spectra, one per pixel column.

use std::f32::consts::TAU;
use std::ops::Range;

use realfft::RealFftPlanner;

use super::waveform::column_range;
use crate::{Audio, AudioError, Result};

/// The level that counts as silence, in dB below the loudest point.
pub(super) const FLOOR_DB: f32 = -80.0;

/// Samples in a window.
const WINDOW: usize = 1024;
/// Frequencies from zero to half the sample rate.
const BINS: usize = WINDOW / 2 + 1;
/// The most windows spread over one column of a long signal.
const MAX_WINDOWS_PER_COLUMN: usize = 4;

/// The power of a signal over time and frequency, in pixels.
pub(super) struct Spectrogram {
    /// `[columns, rows]`, top row first: the highest frequencies.
    power: Vec<f32>,
    rows: usize,
    loudest: f32,
}

impl Spectrogram {
    /// Transforms the signal, scaled to a peak of one, at the given resolution.
    pub(super) fn new(audio: &Audio, columns: u32, rows: u32) -> Result<Self> {
        let peak = audio.peak();
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let (mut frame, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
        let hann = hann_window();

        let mut power = Vec::with_capacity(columns as usize * rows as usize);
        for x in 0..columns {
            let mut loudest = [0.0_f32; BINS];
            let range = column_range(x, columns, audio.samples.len());
            for centre in window_centres(range) {
                cut_window(&audio.samples, centre, &mut frame);
                for (value, weight) in frame.iter_mut().zip(&hann) {
                    *value = *value / peak * weight;
                }
                fft.process(&mut frame, &mut spectrum).map_err(AudioError::Spectrum)?;
                for (bin, value) in loudest.iter_mut().zip(&spectrum) {
                    *bin = bin.max(value.norm_sqr());
                }
            }
            power.extend((0..rows).map(|row| {
                let bins = &loudest[bins_of_row(row, rows)];
                bins.iter().copied().fold(0.0, f32::max)
            }));
        }
        Ok(Self { loudest: power.iter().copied().fold(0.0, f32::max), power, rows: rows as usize })
    }

    /// Column `x` from top to bottom, in dB from [`FLOOR_DB`] to 0.
    pub(super) fn column_db(&self, x: u32) -> impl Iterator<Item = f32> {
        let column = self.power.iter().skip(x as usize * self.rows);
        column.take(self.rows).map(|&power| {
            if power > 0.0 {
                (10.0 * (power / self.loudest).log10()).max(FLOOR_DB)
            } else {
                FLOOR_DB
            }
        })
    }
}

fn hann_window() -> Vec<f32> {
    let phase = |i: usize| TAU * i as f32 / WINDOW as f32;
    (0..WINDOW).map(|i| 0.5 - 0.5 * phase(i).cos()).collect()
}

/// The centres of the windows that look at the samples of a column: enough to
/// cover them, up to [`MAX_WINDOWS_PER_COLUMN`].
fn window_centres(range: Range<usize>) -> impl Iterator<Item = usize> {
    let count = range.len().div_ceil(WINDOW / 2).min(MAX_WINDOWS_PER_COLUMN);
    (0..count).map(move |i| range.start + range.len() * (2 * i + 1) / (2 * count))
}

/// Copies the samples around `centre` to `frame`, with zeros beyond the ends of
/// the signal.
fn cut_window(samples: &[f32], centre: usize, frame: &mut [f32]) {
    let half = frame.len() / 2;
    let start = centre.saturating_sub(half);
    let end = (centre + half).min(samples.len());
    let offset = start + half - centre;
    frame.fill(0.0);
    frame[offset..offset + (end - start)].copy_from_slice(&samples[start..end]);
}

/// The bins that row `row` of `rows` shows, at least one; the top row shows the
/// highest.
fn bins_of_row(row: u32, rows: u32) -> Range<usize> {
    let (row, rows) = (row as usize, rows as usize);
    let first = (rows - row - 1) * BINS / rows;
    let end = ((rows - row) * BINS).div_ceil(rows);
    first..end
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 24_000;

    fn spectrogram(samples: Vec<f32>, columns: u32, rows: u32) -> Spectrogram {
        let sample_rate = RATE;
        let audio = Audio { samples, sample_rate };
        Spectrogram::new(&audio, columns, rows).unwrap()
    }

    fn tone(hz: f32, samples: usize) -> Vec<f32> {
        let step = TAU * hz / RATE as f32;
        (0..samples).map(|i| 0.3 * (step * i as f32).sin()).collect()
    }

    #[test]
    fn a_tone_lights_up_its_row() {
        for rows in [60, 346, 2000] {
            let spectrogram = spectrogram(tone(1000.0, 24_000), 50, rows);
            let column: Vec<f32> = spectrogram.column_db(25).collect();
            let brightest =
                (0..column.len()).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
            let hz = (rows as f32 - brightest as f32 - 0.5) / rows as f32 * 12_000.0;
            let tolerance = 12.0e3 / rows as f32 + 24.0;
            assert!((hz - 1000.0).abs() <= tolerance, "{hz} Hz of {rows} rows");
            assert_eq!(column[0], FLOOR_DB);
        }
    }

    #[test]
    fn the_scale_does_not_depend_on_the_level() {
        let quiet: Vec<f32> = tone(500.0, 4000).iter().map(|x| x * 1e-30).collect();
        let loud: Vec<f32> = tone(500.0, 4000).iter().map(|x| x * 1e30).collect();
        let quiet: Vec<f32> = spectrogram(quiet, 9, 90).column_db(4).collect();
        let loud: Vec<f32> = spectrogram(loud, 9, 90).column_db(4).collect();
        for (quiet, loud) in quiet.iter().zip(&loud) {
            assert!((quiet - loud).abs() < 1.0);
        }
    }

    #[test]
    fn silence_and_no_samples_lie_on_the_floor() {
        for samples in [vec![], vec![0.0], vec![0.0; 5000]] {
            let spectrogram = spectrogram(samples, 10, 20);
            let column: Vec<f32> = spectrogram.column_db(9).collect();
            assert_eq!(column, [FLOOR_DB; 20]);
        }
    }

    #[test]
    fn rows_cover_all_bins() {
        for rows in [1, 100, 513, 514, 3000] {
            assert_eq!(bins_of_row(0, rows).end, BINS);
            assert_eq!(bins_of_row(rows - 1, rows).start, 0);
            for row in 1..rows {
                let (below, above) = (bins_of_row(row, rows), bins_of_row(row - 1, rows));
                assert!(!below.is_empty() && below.end >= above.start);
            }
        }
    }

    #[test]
    fn windows_stay_few_and_inside_their_column() {
        for range in [0..0, 0..1, 7..9, 0..1024, 500..100_000] {
            let centres: Vec<usize> = window_centres(range.clone()).collect();
            assert!(centres.len() <= MAX_WINDOWS_PER_COLUMN);
            assert_eq!(centres.is_empty(), range.is_empty());
            assert!(centres.iter().all(|centre| range.contains(centre)));
        }
    }
}
