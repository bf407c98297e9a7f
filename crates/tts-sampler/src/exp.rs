/// e^x for x ≤ 0, from additions and multiplications only, so that every machine
/// and device computes the same bits. Relative error below 3e-7; 0 below the
/// range of weights.
pub(crate) fn exp(x: f32) -> f32 {
    // ln 2 in two parts, the first short enough to be multiplied exactly.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Weights have 32 fractional bits, so what is below e^-40 is nothing.
    if x < -40.0 {
        return 0.0;
    }
    let power = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = (x - power * LN2_HIGH) - power * LN2_LOW;
    let series = 1.388_888_9e-3;
    let series = series * r + 8.333_334e-3;
    let series = series * r + 4.166_666_8e-2;
    let series = series * r + 1.666_666_7e-1;
    let series = series * r + 0.5;
    let series = series * r * r + r + 1.0;
    // 2^power, exact: power is from -58 to 0.
    series * f32::from_bits(((127 + power as i32) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_stays_within_its_bound() {
        let mut worst = 0_f64;
        for i in 0..=400_000 {
            let x = -(i as f32) * 1e-4;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 3e-7, "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    }
}
