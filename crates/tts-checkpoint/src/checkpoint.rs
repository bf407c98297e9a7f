use std::sync::Arc;

use candle_core::{DType, Device};

use crate::census::Census;
use crate::config::{Checker, CodecConfig, GenerationConfig, ModelConfig};
use crate::error::CheckpointError;
use crate::files::ModelFiles;
use crate::json;
use crate::manifest::{TensorSpec, codec_tensors, model_tensors};
use crate::recorder::{PackedModel, Recorder};
use crate::store::TensorStore;
use crate::weights::Weights;

const CONFIG: &str = "config.json";
const GENERATION_CONFIG: &str = "generation_config.json";
const CODEC: &str = "speech_tokenizer/";
const CODEC_CONFIG: &str = "speech_tokenizer/config.json";

/// A complete and consistent model, its weights still on disk.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where its files are.
    pub files: ModelFiles,
    /// `config.json`.
    pub config: ModelConfig,
    /// `generation_config.json`.
    pub generation: GenerationConfig,
    /// `speech_tokenizer/config.json`.
    pub codec: CodecConfig,
    /// What the weight files hold.
    pub census: Census,
    model_store: Arc<TensorStore>,
    codec_store: Arc<TensorStore>,
    recorder: Option<Arc<Recorder>>,
}

impl Checkpoint {
    /// Reads and checks everything but the weight values.
    ///
    /// # Errors
    /// The first file that is missing, malformed or contradicts another one;
    /// all missing and misshapen tensors of a file at once.
    pub fn open(files: ModelFiles) -> Result<Self, CheckpointError> {
        let config: ModelConfig = json::parse(&files, CONFIG, &files.read_required(CONFIG)?)?;
        config.check(&Checker::new(files.path(CONFIG)))?;
        let codec: CodecConfig =
            json::parse(&files, CODEC_CONFIG, &files.read_required(CODEC_CONFIG)?)?;
        codec.check(&Checker::new(files.path(CODEC_CONFIG)), &config)?;
        let generation = match files.read(GENERATION_CONFIG)? {
            Some(content) => json::parse(&files, GENERATION_CONFIG, &content)?,
            None => GenerationConfig::default(),
        };
        let mut census = Census::default();
        let model_store = open_store(&files, "", &model_tensors(&config), &mut census)?;
        let codec_store = open_store(&files, CODEC, &codec_tensors(&codec), &mut census)?;
        Ok(Self {
            files,
            config,
            generation,
            codec,
            census,
            model_store,
            codec_store,
            recorder: None,
        })
    }

    /// As [`Checkpoint::open`], for a model that is to be written into one file: modules that are
    /// loaded from its weights [record](Weights::record) what they pack.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`]; if the model is from such a file.
    pub fn open_to_pack(files: ModelFiles) -> Result<Self, CheckpointError> {
        if let ModelFiles::Packed(file) = &files {
            return Err(CheckpointError::Unsupported {
                path: file.path().to_owned(),
                field: "precision".to_owned(),
                found: file.precision().to_owned(),
                reason: "expected a model directory; this file is packed already".to_owned(),
            });
        }
        let recorder = Some(Arc::default());
        Ok(Self { recorder, ..Self::open(files)? })
    }

    /// Takes what was recorded under a name for another file of the same model in place of what was
    /// for this one.
    ///
    /// # Errors
    /// If nothing was recorded under it for one of them.
    pub fn take_packed(&self, name: &str, from: &Self) -> Result<(), CheckpointError> {
        let packed = from.recorder.as_ref().and_then(|recorder| recorder.packed(name));
        let replaced = packed.and_then(|packed| self.recorder.as_ref()?.replace(name, packed));
        let missing = || CheckpointError::NoSuchTensor {
            path: self.model_store.path().clone(),
            name: name.to_owned(),
        };
        replaced.map(|_| ()).ok_or_else(missing)
    }

    /// What belongs into one file: what modules have recorded, all other tensors as they are
    /// stored, and the small files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn pack(&self, precision: &str) -> Result<PackedModel, CheckpointError> {
        let nothing = Arc::default();
        let recorder = self.recorder.as_ref().unwrap_or(&nothing);
        recorder.pack(precision, &self.files, [&self.model_store, &self.codec_store])
    }

    /// The tensors of talker, code predictor and speaker encoder, in the compute
    /// type `dtype` on `device`.
    pub fn model_weights(&self, dtype: DType, device: &Device) -> Weights {
        Weights::new(self.model_store.clone(), self.recorder.clone(), dtype, device.clone())
    }

    /// The tensors of the codec. It is always computed in f32: it is small, and
    /// 16-bit codecs are reported to sound worse.
    pub fn codec_weights(&self, device: &Device) -> Weights {
        let recorder = self.recorder.clone();
        Weights::new(self.codec_store.clone(), recorder, DType::F32, device.clone())
    }
}

fn open_store(
    files: &ModelFiles,
    directory: &str,
    specs: &[TensorSpec],
    census: &mut Census,
) -> Result<Arc<TensorStore>, CheckpointError> {
    let store = TensorStore::open(files, directory)?;
    let problems = census.take(&store, specs);
    if problems.is_empty() {
        Ok(Arc::new(store))
    } else {
        Err(CheckpointError::Tensors { path: store.path().clone(), problems })
    }
}
