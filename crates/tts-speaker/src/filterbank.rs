/// Where the Slaney scale turns from linear to logarithmic, in Hz and in mel.
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = 15.0;

/// Triangular filters that are equally spaced on the Slaney mel scale and have
/// unit area in Hz (`docs/model.md`, section 9.2).
#[derive(Debug)]
pub(crate) struct Filterbank {
    bands: Vec<Band>,
    bins: usize,
}

/// The bins a filter covers.
#[derive(Debug)]
struct Band {
    first_bin: usize,
    weights: Vec<f32>,
}

impl Filterbank {
    /// `bands` filters from 0 Hz to `highest` Hz over the bins of a real transform
    /// of `fft_size` samples.
    pub(crate) fn new(bands: usize, highest: f64, fft_size: usize, sample_rate: u32) -> Self {
        let bins = fft_size / 2 + 1;
        let bin_hz = f64::from(sample_rate) / fft_size as f64;
        let mel_step = hz_to_mel(highest) / (bands + 1) as f64;
        let edge = |i: usize| mel_to_hz(i as f64 * mel_step);
        let bands = (0..bands).map(|i| {
            let [low, centre, high] = [edge(i), edge(i + 1), edge(i + 2)];
            let triangle = |bin: usize| {
                let hz = bin as f64 * bin_hz;
                ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).max(0.0)
            };
            let covers = |bin: &usize| triangle(*bin) > 0.0;
            let first_bin = (0..bins).find(covers).unwrap_or(bins);
            let area = (high - low) / 2.0;
            let weights = (first_bin..bins)
                .take_while(covers)
                .map(|bin| (triangle(bin) / area) as f32)
                .collect();
            Band { first_bin, weights }
        });
        Self { bands: bands.collect(), bins }
    }

    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.bands.len()
    }

    /// The output of every filter for a magnitude spectrum.
    pub(crate) fn apply(&self, magnitudes: &[f64]) -> impl Iterator<Item = f64> {
        self.bands.iter().map(|band| {
            let covered = magnitudes.iter().skip(band.first_bin);
            band.weights.iter().zip(covered).map(|(&weight, m)| f64::from(weight) * m).sum()
        })
    }

    /// The weights with their zeros, `bands` rows of `bins`.
    pub(crate) fn to_dense(&self) -> (Vec<f32>, (usize, usize)) {
        let row = |band: &Band| {
            let mut row = vec![0.0; band.first_bin];
            row.extend(&band.weights);
            row.resize(self.bins, 0.0);
            row
        };
        (self.bands.iter().flat_map(row).collect(), (self.bands.len(), self.bins))
    }
}

/// Mel per natural logarithm of frequency beyond the break: 27 for a factor of 6.4.
fn log_slope() -> f64 {
    27.0 / 6.4_f64.ln()
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz * BREAK_MEL / BREAK_HZ
    } else {
        BREAK_MEL + (hz / BREAK_HZ).ln() * log_slope()
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * BREAK_HZ / BREAK_MEL
    } else {
        BREAK_HZ * ((mel - BREAK_MEL) / log_slope()).exp()
    }
}
