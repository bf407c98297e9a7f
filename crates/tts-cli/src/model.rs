use candle_core::Device;
use tts::{DeviceName, Model, Precision, SplitRule};
use tts_checkpoint::ModelFiles;

use crate::args::ModelArgs;
use crate::error::CliError;

/// The files a `--model` argument names: the embedded model, a directory, a packed file, or else
/// a repository on the hub.
pub(crate) fn files(model: &str) -> Result<ModelFiles, CliError> {
    if model == tts_demo_voice::NAME {
        return Ok(ModelFiles::Embedded(tts_demo_voice::FILES));
    }
    #[cfg(feature = "hub")]
    if !std::path::Path::new(model).exists()
        && let Ok(repository) = tts_checkpoint::hub::RepoId::parse(model)
    {
        return Ok(ModelFiles::directory(crate::hub::fetch(&repository)?)?);
    }
    Ok(ModelFiles::open(model)?)
}

/// Sets the number of threads; the first thing that a command does.
pub(crate) fn fix_threads(threads: Option<usize>) {
    // SAFETY: this is the main thread, and it has started no other one.
    unsafe { tts::fix_threads(threads) };
}

/// Sets the number of threads and loads the model.
pub(crate) fn load(args: &ModelArgs) -> Result<Model, CliError> {
    fix_threads(args.threads.map(usize::from));
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().map_err(
            |_| CliError::Argument {
                name: "--threads",
                value: threads.to_string(),
                expected: "a number of threads that can be started",
            },
        )?;
    }
    let device = open(args.device)?;
    #[cfg(feature = "profiling")]
    if let Some(queue) = tts::gpu_queue(&device) {
        tts_profiling::record::Profile::watch(queue)?;
    }
    let files = files(&args.model)?;
    let precision = match args.dtype {
        Some(precision) => precision,
        None => Precision::of(&files, &device)
            .map_err(|e| CliError::Precision { model: args.model.clone(), source: e })?,
    };
    Model::load_with(files, &device, precision, SplitRule::default()).map_err(CliError::Load)
}

/// Opens a device; where `auto` finds no GPU that a build with CUDA can use, says why.
fn open(name: DeviceName) -> Result<Device, CliError> {
    match name {
        DeviceName::Auto if cfg!(feature = "cuda") => {
            Ok(DeviceName::Cuda(0).open().unwrap_or_else(|error| {
                eprintln!("tts: {error}; going on with the CPU");
                Device::Cpu
            }))
        }
        name => Ok(name.open()?),
    }
}
