//! Times whole utterances: `cargo run --release -p tts-benches --bin e2e_bench`.
//!
//! `docs/profiling.md` explains the columns.

mod args;
mod environment;
mod measure;
mod playback;
#[cfg(feature = "profiling")]
mod profile;
mod report;
#[cfg(feature = "sampling")]
mod sampler;
mod texts;
mod voice;

use anyhow::Result;
use clap::Parser;
use tts::{Model, ModelFiles, Precision, SplitRule};
use tts_benches::random_model::{RandomModel, SPEAKING};

use crate::args::{Args, RandomSize};
use crate::environment::Environment;
use crate::report::Report;

#[cfg(feature = "profiling")]
#[global_allocator]
static ALLOCATOR: tts_profiling::record::CountingAllocator =
    tts_profiling::record::CountingAllocator;

fn main() -> Result<()> {
    let args = Args::parse();
    // SAFETY: this is the main thread, and it has started no other one.
    let threads = unsafe { tts::fix_threads(args.threads) };
    if threads == 1 {
        // This one, not a second one that it waits for.
        rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    }
    #[cfg(feature = "profiling")]
    let profile = profile::start(&args)?;

    let device = args.device.open()?;
    let files = match (&args.model_dir, args.random) {
        (Some(path), _) => ModelFiles::open(path)?,
        (None, Some(RandomSize::Small)) => RandomModel::real_06b(&SPEAKING)?.files(),
        (None, Some(RandomSize::Large)) => RandomModel::real_17b(&SPEAKING)?.files(),
        (None, None) => ModelFiles::Embedded(tts_demo_voice::FILES),
    };
    #[cfg(feature = "profiling")]
    if let Some(queue) = tts::gpu_queue(&device) {
        tts_profiling::record::Profile::watch(queue)?;
    }
    let precision = match args.dtype {
        Some(precision) => precision,
        None => Precision::of(&files, &device)?,
    };
    let model = Model::load_with(files.clone(), &device, precision, SplitRule::default())?;
    let voice = voice::default_voice(&model)?;

    let requests: Vec<_> = texts::labelled(&args.labels)?
        .into_iter()
        .map(|text| (text, voice::request(&model, &voice, text.text, &args)))
        .collect();
    for (_, request) in &requests {
        for _ in 0..args.warmup {
            measure::run(&model, request, &args)?;
        }
    }
    #[cfg(feature = "profiling")]
    profile.forget_warmup();

    #[cfg(feature = "sampling")]
    let sampler = sampler::start(&args)?;

    let mut report = Report::new(Environment::read(&files, &args, &device, precision)?);
    for (text, request) in &requests {
        let runs = (0..args.iterations).map(|_| measure::run(&model, request, &args));
        report.add(text, runs.collect::<Result<_>>()?);
    }
    #[cfg(feature = "sampling")]
    sampler.finish()?;
    report.print(args.output, args.streaming)?;

    #[cfg(feature = "profiling")]
    profile.finish(&args)?;
    Ok(())
}
