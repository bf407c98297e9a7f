//! The models that are timed, and how long.

use std::sync::LazyLock;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use tts_benches::random_model::{RandomModel, SPEAKING};
use tts_checkpoint::{Checkpoint, ModelFiles, Part};

/// A Base checkpoint with a speaker encoder, as small as the fixture.
const SMALL_BASE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/checkpoints/base_b");

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shapes {
    Fixture,
    Real06b,
}

impl Shapes {
    /// The released shapes take seconds, so only a measurement has them.
    pub(crate) fn all() -> &'static [Self] {
        let is_measured = std::env::args().any(|argument| argument == "--bench");
        if is_measured && !cfg!(debug_assertions) {
            &[Self::Fixture, Self::Real06b]
        } else {
            &[Self::Fixture]
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fixture => "fixture",
            Self::Real06b => "0.6b",
        }
    }

    /// A CustomVoice model.
    pub(crate) fn custom_voice(self) -> Checkpoint {
        /// Made once, since it is never freed.
        static MODEL: LazyLock<RandomModel> = LazyLock::new(|| {
            let parts = [&SPEAKING[..], &[Part::CodecEncoder]].concat();
            RandomModel::real_06b(&parts).unwrap()
        });
        let files = match self {
            Self::Fixture => ModelFiles::Embedded(tts_fixture::FILES),
            Self::Real06b => MODEL.files(),
        };
        Checkpoint::open(files).unwrap()
    }

    /// A Base model, of which only the speaker encoder has weights.
    pub(crate) fn base(self) -> Checkpoint {
        let files = match self {
            Self::Fixture => ModelFiles::Directory(SMALL_BASE.into()),
            Self::Real06b => RandomModel::base_06b(&[Part::SpeakerEncoder]).unwrap().files(),
        };
        Checkpoint::open(files).unwrap()
    }

    /// A row of the released shapes takes long; few samples of it have to do.
    pub(crate) fn tune(self, group: &mut BenchmarkGroup<'_, WallTime>) {
        let (samples, mode) = match self {
            Self::Fixture => (50, SamplingMode::Auto),
            Self::Real06b => (10, SamplingMode::Flat),
        };
        group.sample_size(samples).sampling_mode(mode);
    }
}

/// A group of short measurements.
pub(crate) fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .nresamples(10_000);
    group
}

/// Numbers of all sizes up to 0.1.
pub(crate) fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.37).sin() * 0.1).collect()
}
