//! Shares and changes in per cent.

use std::fmt;
use std::str::FromStr;

/// A share, written in per cent: `2%` or `2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percent(f64);

impl Percent {
    /// The share; 0.02 for 2 %.
    pub(super) fn share(self) -> f64 {
        self.0 / 100.0
    }

    /// The number that is written.
    pub(super) fn number(self) -> f64 {
        self.0
    }
}

/// From one count to another, in per cent of the first.
pub(super) fn change(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) * 100.0 / from.max(1) as f64
}

impl FromStr for Percent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: Option<f64> = text.trim_end_matches('%').trim_end().parse().ok();
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number.map(Self).ok_or("expected a percentage such as 2%")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_has_a_sign_or_none_and_is_not_negative() {
        for text in ["0.5%", "0.5", "0.5 %"] {
            assert_eq!(text.parse(), Ok(Percent(0.5)));
        }
        for text in ["", "%", "-1%", "NaN", "inf%", "two"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        assert_eq!("2%".parse::<Percent>().unwrap().share(), 0.02);
    }

    #[test]
    fn changes_that_can_be_written_are_exact() {
        assert_eq!(change(100_000, 102_000), 2.0);
        assert_eq!(change(100_000, 99_900), -0.1);
        assert_eq!(change(0, 0), 0.0);
    }
}
