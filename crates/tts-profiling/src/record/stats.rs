use serde::Serialize;

/// What a set of durations looks like, in milliseconds. Quantiles are those of the nearest
/// rank: one of the durations themselves.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// How many there are.
    pub count: usize,
    /// Their sum.
    pub total_ms: f64,
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them take no longer.
    pub p50_ms: f64,
    /// Nineteen of twenty take no longer.
    pub p95_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Stats {
    /// Of durations in nanoseconds; all zero if there are none.
    pub fn of(mut durations_ns: Vec<u64>) -> Self {
        durations_ns.sort_unstable();
        let count = durations_ns.len();
        let ms = |ns: u64| ns as f64 / 1e6;
        let rank = |quantile: f64| {
            let rank = (quantile * count as f64).ceil() as usize;
            durations_ns.get(rank.saturating_sub(1)).copied().map_or(0.0, ms)
        };
        let total_ms = ms(durations_ns.iter().sum());
        Self {
            count,
            total_ms,
            mean_ms: if count == 0 { 0.0 } else { total_ms / count as f64 },
            p50_ms: rank(0.5),
            p95_ms: rank(0.95),
            max_ms: rank(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn quantiles_are_durations_of_the_set() {
        let stats = Stats::of((1..=20).rev().map(|ms| ms * 1_000_000).collect());
        assert_eq!((stats.count, stats.total_ms, stats.mean_ms), (20, 210.0, 10.5));
        assert_eq!((stats.p50_ms, stats.p95_ms, stats.max_ms), (10.0, 19.0, 20.0));
        assert_eq!(Stats::of(vec![]), Stats::default());
        assert_eq!(Stats::of(vec![3_000_000]).p95_ms, 3.0);
    }
}
