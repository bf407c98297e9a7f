//! What the samples show.

use std::fmt;

use super::bootstrap::{Ratio, median};
use super::results::{METRICS, Results, Row};

/// What is shown of B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Faster,
    Slower,
    NoDifferenceShown,
}

impl Verdict {
    /// `threshold` is the smallest change that matters.
    pub(super) fn of(ratio: Ratio, threshold: f64) -> Self {
        if (ratio.value - 1.0).abs() < threshold {
            Self::NoDifferenceShown
        } else if ratio.high < 1.0 {
            Self::Faster
        } else if ratio.low > 1.0 {
            Self::Slower
        } else {
            Self::NoDifferenceShown
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifferenceShown => "no difference shown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A metric of a text on both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compared {
    pub(super) label: String,
    pub(super) metric: &'static str,
    pub(super) a_ms: f64,
    pub(super) b_ms: f64,
    /// Samples of A and of B.
    pub(super) samples: [usize; 2],
    pub(super) ratio: Ratio,
    pub(super) verdict: Verdict,
}

/// Every metric that both sides have, of every text that both spoke.
pub(super) fn compare(a: &Results, b: &Results, threshold: f64) -> Vec<Compared> {
    let rows = a.rows.iter().flat_map(|a| {
        let b = b.rows.iter().find(|b| b.label == a.label);
        b.map(|b| compare_row(a, b, threshold)).unwrap_or_default()
    });
    rows.collect()
}

fn compare_row(a: &Row, b: &Row, threshold: f64) -> Vec<Compared> {
    let metrics = METRICS.iter().zip(a.metrics.iter().zip(&b.metrics));
    let compared = metrics.filter_map(|((metric, _), (values_a, values_b))| {
        let ratio = Ratio::of(values_a, values_b)?;
        Some(Compared {
            label: a.label.clone(),
            metric,
            a_ms: median(&mut values_a.clone())?,
            b_ms: median(&mut values_b.clone())?,
            samples: [values_a.len(), values_b.len()],
            ratio,
            verdict: Verdict::of(ratio, threshold),
        })
    });
    compared.collect()
}

/// Why a difference may have other causes than the code.
pub(super) fn warnings(a: &Results, b: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, value) in &a.environment {
        let other = b.environment.get(name);
        if let Some(other) = other.filter(|&other| other != value) {
            warnings.push(format!("{name}: {value} and {other}"));
        }
    }
    for (here, there, side) in [(a, b, "A"), (b, a, "B")] {
        let missing =
            here.rows.iter().filter(|row| there.rows.iter().all(|r| r.label != row.label));
        warnings.extend(missing.map(|row| format!("{}: only in {side}", row.label)));
    }
    for row in &a.rows {
        let other = b.rows.iter().find(|other| other.label == row.label);
        let frames = |row: &Row| median(&mut row.frames.clone());
        if let Some((here, there)) = frames(row).zip(other.and_then(frames))
            && here != there
        {
            warnings.push(format!("{}: {here} and {there} frames", row.label));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results(label: &str, wall: &[f64], frames: f64, commit: &str) -> Results {
        let mut row =
            Row { label: label.into(), frames: vec![frames; wall.len()], ..Row::default() };
        row.metrics[0] = wall.to_vec();
        let environment = json!({"commit": commit, "cpu": "Z80"});
        Results { environment: environment.as_object().unwrap().clone(), rows: vec![row] }
    }

    fn verdict(a: &[f64], b: &[f64]) -> Verdict {
        let side = |wall| results("short", wall, 25.0, "x");
        let [row] = &compare(&side(a), &side(b), 0.02)[..] else { panic!() };
        row.verdict
    }

    #[test]
    fn verdicts_need_a_difference_that_is_sure_and_matters() {
        let usual = [100.0, 101.0, 99.0, 100.5, 99.5];
        let times = |factor: f64| usual.map(|ms| factor * ms);
        assert_eq!(verdict(&usual, &times(1.1)), Verdict::Slower);
        assert_eq!(verdict(&usual, &times(0.9)), Verdict::Faster);
        assert_eq!(verdict(&usual, &usual), Verdict::NoDifferenceShown);
        // Sure, but small.
        assert_eq!(verdict(&[100.0; 5], &[101.0; 5]), Verdict::NoDifferenceShown);
        // Large, but not sure.
        let noisy = [80.0, 150.0, 110.0, 95.0, 130.0];
        assert_eq!(verdict(&usual, &noisy), Verdict::NoDifferenceShown);
    }

    #[test]
    fn metrics_that_one_side_lacks_are_left_out() {
        let (a, mut b) = (results("short", &[1.0], 25.0, "x"), results("short", &[1.0], 25.0, "x"));
        b.rows[0].metrics[1] = vec![2.0];
        assert_eq!(compare(&a, &b, 0.02).len(), 1);
        assert!(compare(&a, &results("long", &[1.0], 25.0, "x"), 0.02).is_empty());
    }

    #[test]
    fn other_causes_of_a_difference_are_named() {
        let a = results("short", &[1.0], 25.0, "x");
        assert!(warnings(&a, &a).is_empty());
        assert_eq!(
            warnings(&a, &results("short", &[1.0], 30.0, "y")),
            ["commit: \"x\" and \"y\"", "short: 25 and 30 frames"]
        );
        assert_eq!(
            warnings(&a, &results("long", &[1.0], 25.0, "x")),
            ["short: only in A", "long: only in B"]
        );
    }
}
