use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// The activation `x + sin²(a x) / b` with per-channel `a = exp(alpha)` and
/// `b = exp(beta) + 1e-9` (`docs/model.md`, section 7.6).
#[derive(Debug, Clone)]
pub struct SnakeBeta {
    /// `[channels]`.
    frequency: Tensor,
    /// `1 / b`, `[channels]`.
    gain: Tensor,
}

impl SnakeBeta {
    /// From `alpha` and `beta` as stored, `[channels]`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn new(alpha: &Tensor, beta: &Tensor) -> Result<Self> {
        Ok(Self { frequency: alpha.exp()?, gain: (beta.exp()? + 1e-9)?.recip()? })
    }

    /// `a`, `[channels]`.
    pub fn frequency(&self) -> &Tensor {
        &self.frequency
    }

    /// `1 / b`, `[channels]`.
    pub fn gain(&self) -> &Tensor {
        &self.gain
    }

    /// `[channels, time]` to the same shape.
    ///
    /// # Errors
    /// If the number of channels is not that of the parameters.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() && x.dtype() == DType::F32 {
            return x.contiguous()?.apply_op3_no_bwd(&self.frequency, &self.gain, &CpuKernel);
        }
        let sine = x.broadcast_mul(&self.frequency.unsqueeze(1)?)?.sin()?;
        x + sine.sqr()?.broadcast_mul(&self.gain.unsqueeze(1)?)?
    }
}

/// One pass over memory instead of five.
struct CpuKernel;

impl CustomOp3 for CpuKernel {
    fn name(&self) -> &'static str {
        "snake-beta"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        frequency: &CpuStorage,
        frequency_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (channels, time) = x_layout.shape().dims2()?;
        let x = slice(x, x_layout)?;
        let frequency = slice(frequency, frequency_layout)?;
        let gain = slice(gain, gain_layout)?;
        if frequency.len() != channels || gain.len() != channels {
            candle_core::bail!("snake-beta of {} channels over {channels}", frequency.len());
        }
        let mut y = vec![0_f32; x.len()];
        if time > 0 {
            y.par_chunks_mut(time)
                .zip(x.par_chunks(time))
                .zip(frequency.par_iter().zip(gain))
                .for_each(|((y, x), (&a, &g))| {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = x + g * sin_squared(a * x);
                    }
                });
        }
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }
}

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("snake-beta needs contiguous tensors"),
    }
}

/// sin² without branches, so that it vectorises: the period is π, and on
/// [-π/2, π/2] an odd polynomial is as exact as f32 allows. The absolute error
/// is below 3e-7 for arguments up to 1e4 in size.
fn sin_squared(x: f32) -> f32 {
    // π in three parts, the first two short enough to be multiplied exactly.
    const PI_HIGH: f32 = 3.140_625;
    const PI_MIDDLE: f32 = 9.670_257_6e-4;
    const PI_LOW: f32 = 6.278_329_6e-7;
    let turns = (x * std::f32::consts::FRAC_1_PI).round_ties_even();
    let r = ((x - turns * PI_HIGH) - turns * PI_MIDDLE) - turns * PI_LOW;
    let r2 = r * r;
    // Taylor coefficients to r^13; the next term is below 1e-9 at π/2.
    let series = 1.605_904_4e-10;
    let series = series * r2 - 2.505_210_8e-8;
    let series = series * r2 + 2.755_731_9e-6;
    let series = series * r2 - 1.984_127e-4;
    let series = series * r2 + 8.333_333e-3;
    let series = series * r2 - 1.666_666_7e-1;
    let sine = r + r * r2 * series;
    sine * sine
}

#[cfg(test)]
mod tests {
    use super::sin_squared;

    #[test]
    fn sin_squared_stays_within_its_bound() {
        let mut worst = 0_f64;
        for i in -2_000_000..=2_000_000 {
            let x = i as f32 * 0.005;
            let exact = f64::from(x).sin().powi(2);
            worst = worst.max((f64::from(sin_squared(x)) - exact).abs());
        }
        assert!(worst < 3e-7, "{worst:e}");
    }
}
