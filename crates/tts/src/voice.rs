//! Voices of reference audio, computed once and kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tts_checkpoint::ModelConfig;

/// Who speaks.
#[derive(Debug, Clone, Default)]
pub enum Voice {
    /// Nobody in particular, or, with a VoiceDesign model, the voice that the
    /// instruction describes.
    #[default]
    Unnamed,
    /// A built-in speaker of a CustomVoice model; "" is nobody in particular.
    Speaker(String),
    /// The voice of reference audio; needs a Base model.
    Cloned(Arc<VoicePrompt>),
}

impl Voice {
    /// The reference audio that the speech continues.
    pub(crate) fn reference(&self) -> Option<&ReferenceSpeech> {
        match self {
            Self::Cloned(prompt) => prompt.reference.as_ref(),
            Self::Unnamed | Self::Speaker(_) => None,
        }
    }
}

/// A voice taken from reference audio: what a Base model needs to speak with it.
/// It depends on the audio and the model only, so it is computed once, used for any
/// number of requests, and may be kept in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct VoicePrompt {
    /// The x-vector of the audio.
    pub x_vector: Vec<f32>,
    /// The audio itself, for a model that continues it; `None` takes nothing but
    /// the x-vector.
    pub reference: Option<ReferenceSpeech>,
}

/// Reference audio and what is said in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceSpeech {
    /// What is said, from the first to the last word.
    pub transcript: String,
    /// The codes of each frame.
    pub frames: Vec<Vec<u32>>,
}

/// Why a voice could not be used, read or written.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file could not be written.
    #[error("cannot write the voice: {0}")]
    Write(#[from] tts_audio::AudioError),
    /// The file is damaged or something else than a voice.
    #[error("{path} is not a voice file: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
    },
    /// The file was written by a later version of this program.
    #[error("{path} has version {found} of the voice format; this program reads up to {supported}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The latest known one.
        supported: u64,
    },
    /// The voice was made with another model.
    #[error("the voice does not fit the model: {what} is {found}, expected {expected}")]
    Mismatch {
        /// What does not fit.
        what: &'static str,
        /// Its value in the voice.
        found: usize,
        /// What the model needs.
        expected: String,
    },
}

const FORMAT: &str = "qwen3-tts-voice";
const VERSION: u64 = 1;
/// No voice comes near this; the largest reference audio has a few thousand frames.
const LARGEST_FILE: u64 = 16 << 20;

impl VoicePrompt {
    /// Writes the voice as a safetensors file: `x_vector` `[hidden]` in f32 and, if
    /// there is reference audio, `codes` `[frames, codebooks]` in u32; format,
    /// version and transcript are metadata.
    ///
    /// # Errors
    /// If the file cannot be written; nothing is left behind then.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), VoiceError> {
        let x_vector: Vec<u8> = self.x_vector.iter().flat_map(|v| v.to_le_bytes()).collect();
        let mut metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("version".to_owned(), VERSION.to_string()),
        ]);
        let mut tensors = vec![("x_vector", Dtype::F32, vec![self.x_vector.len()], x_vector)];
        if let Some(reference) = &self.reference {
            metadata.insert("transcript".to_owned(), reference.transcript.clone());
            let shape = vec![reference.frames.len(), reference.frames.first().map_or(0, Vec::len)];
            let codes = reference.frames.iter().flatten().flat_map(|c| c.to_le_bytes()).collect();
            tensors.push(("codes", Dtype::U32, shape, codes));
        }
        let views = tensors.iter().map(|(name, dtype, shape, data)| {
            TensorView::new(*dtype, shape.clone(), data).map(|view| (*name, view))
        });
        let bytes = views
            .collect::<Result<Vec<_>, _>>()
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|e| damaged(path.as_ref(), e))?;
        Ok(tts_audio::write_file_atomically(path, |file| file.write_all(&bytes))?)
    }

    /// Reads a file that [`VoicePrompt::save`] wrote.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or has a later version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, VoiceError> {
        let path = path.as_ref();
        let read = |source| VoiceError::Read { path: path.to_owned(), source };
        let size = std::fs::metadata(path).map_err(read)?.len();
        if size > LARGEST_FILE {
            return Err(damaged(path, format!("{size} bytes, expected at most {LARGEST_FILE}")));
        }
        Self::parse(path, &std::fs::read(path).map_err(read)?)
    }

    /// As [`VoicePrompt::load`], from the content of a file; `path` is for errors.
    ///
    /// # Errors
    /// If the content is damaged or has a later version.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, VoiceError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(path, e))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let format = metadata.get("format").map_or("", String::as_str);
        if format != FORMAT {
            return Err(damaged(path, format!("format {format:?}, expected {FORMAT:?}")));
        }
        let version = metadata.get("version").and_then(|v| v.parse().ok());
        match version {
            Some(VERSION) => {}
            Some(found) if found > VERSION => {
                return Err(VoiceError::Version {
                    path: path.to_owned(),
                    found,
                    supported: VERSION,
                });
            }
            _ => return Err(damaged(path, "no version")),
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(path, e))?;
        let x_vector = file.tensor("x_vector").map_err(|e| damaged(path, e))?;
        if x_vector.dtype() != Dtype::F32 || x_vector.shape().len() != 1 {
            let (dtype, shape) = (x_vector.dtype(), x_vector.shape());
            return Err(damaged(
                path,
                format!("x_vector is {dtype:?} {shape:?}, expected F32 [n]"),
            ));
        }
        let x_vector: Vec<f32> =
            x_vector.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        if let Some(value) = x_vector.iter().find(|v| !v.is_finite()) {
            return Err(damaged(path, format!("x_vector holds {value}, expected finite numbers")));
        }
        let reference = match (file.tensor("codes"), metadata.get("transcript")) {
            (Ok(codes), Some(transcript)) => {
                let frames = frames(&codes).ok_or_else(|| {
                    let (dtype, shape) = (codes.dtype(), codes.shape());
                    damaged(path, format!("codes are {dtype:?} {shape:?}, expected U32 [n, m]"))
                })?;
                Some(ReferenceSpeech { transcript: transcript.clone(), frames })
            }
            (Err(_), None) => None,
            (Ok(_), None) => return Err(damaged(path, "codes without a transcript")),
            (Err(_), Some(_)) => return Err(damaged(path, "a transcript without codes")),
        };
        Ok(Self { x_vector, reference })
    }

    /// Refuses a voice that another model made.
    pub(crate) fn check(&self, config: &ModelConfig) -> Result<(), VoiceError> {
        let talker = &config.talker_config;
        equals("the width of the x-vector", self.x_vector.len(), talker.hidden_size)?;
        for frame in self.reference.iter().flat_map(|reference| &reference.frames) {
            equals("the number of codebooks", frame.len(), talker.num_code_groups)?;
            let size = talker.code_predictor_config.vocab_size;
            if let Some(&code) = frame.iter().find(|&&code| code as usize >= size) {
                return Err(VoiceError::Mismatch {
                    what: "a code",
                    found: code as usize,
                    expected: format!("less than {size}"),
                });
            }
        }
        Ok(())
    }
}

fn equals(what: &'static str, found: usize, expected: usize) -> Result<(), VoiceError> {
    if found == expected {
        Ok(())
    } else {
        Err(VoiceError::Mismatch { what, found, expected: expected.to_string() })
    }
}

fn frames(codes: &TensorView<'_>) -> Option<Vec<Vec<u32>>> {
    let &[count, width] = codes.shape() else { return None };
    if codes.dtype() != Dtype::U32 || count == 0 || width == 0 {
        return None;
    }
    let codes: Vec<u32> =
        codes.data().as_chunks().0.iter().map(|&b| u32::from_le_bytes(b)).collect();
    Some(codes.chunks(width).map(<[u32]>::to_vec).collect())
}

fn damaged(path: &Path, problem: impl std::fmt::Display) -> VoiceError {
    VoiceError::Damaged { path: path.to_owned(), problem: format!("{problem}") }
}
