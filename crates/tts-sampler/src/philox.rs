/// What a random draw depends on, and all it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawKey {
    /// The user's seed.
    pub seed: u64,
    /// Stream of the request, for several requests of one seed.
    pub request: u32,
    /// Tokens of codebook 0 drawn before.
    pub step: u32,
    /// Index of the codebook.
    pub codebook: u32,
}

impl DrawKey {
    /// 64 uniform bits.
    pub(crate) fn bits(self) -> u64 {
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let [low, high, ..] = philox4x32([self.request, self.step, self.codebook, 0], key);
        u64::from(high) << 32 | u64::from(low)
    }
}

/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
/// (SC 2011): a random function of a counter and a key.
pub const fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    let mut round = 0;
    while round < 10 {
        let p = MULTIPLIERS[0] * a as u64;
        let q = MULTIPLIERS[1] * c as u64;
        (a, b, c, d) = ((q >> 32) as u32 ^ b ^ k0, q as u32, (p >> 32) as u32 ^ d ^ k1, p as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
        round += 1;
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::philox4x32;

    #[test]
    fn known_answers() {
        assert_eq!(
            philox4x32([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
