use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::trace::Trace;
use super::{chrome, folded, jsonl};

/// Where a profile goes: `chrome=FILE`, `folded=FILE`, `jsonl=FILE` or `nvtx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A chrome trace.
    Chrome(PathBuf),
    /// Folded stacks of self time.
    Folded(PathBuf),
    /// JSON lines.
    Jsonl(PathBuf),
    /// Ranges for NVIDIA's tools, as they happen.
    Nvtx,
}

/// A text that names no output.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}; expected chrome=FILE, folded=FILE, jsonl=FILE or nvtx")]
pub struct OutputError(String);

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        match text.split_once('=') {
            Some(("chrome", file)) if !file.is_empty() => Ok(Self::Chrome(file.into())),
            Some(("folded", file)) if !file.is_empty() => Ok(Self::Folded(file.into())),
            Some(("jsonl", file)) if !file.is_empty() => Ok(Self::Jsonl(file.into())),
            None if text == "nvtx" => Ok(Self::Nvtx),
            _ => Err(OutputError(text.to_owned())),
        }
    }
}

impl Output {
    /// The file that is written, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Chrome(path) | Self::Folded(path) | Self::Jsonl(path) => Some(path),
            Self::Nvtx => None,
        }
    }

    /// Writes a trace, if this is a file.
    pub(super) fn write(&self, trace: &Trace) -> std::io::Result<()> {
        let write = match self {
            Self::Chrome(_) => chrome::write,
            Self::Folded(_) => folded::write,
            Self::Jsonl(_) => jsonl::write,
            Self::Nvtx => return Ok(()),
        };
        let Some(path) = self.path() else { return Ok(()) };
        let mut file = BufWriter::new(File::create(path)?);
        write(trace, &mut file)?;
        file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::Output;

    #[test]
    fn outputs_are_named_as_documented() {
        let parsed = |text: &str| text.parse::<Output>().ok();
        assert_eq!(parsed("chrome=a=b.json"), Some(Output::Chrome("a=b.json".into())));
        assert_eq!(parsed("folded=x"), Some(Output::Folded("x".into())));
        assert_eq!(parsed("jsonl=x"), Some(Output::Jsonl("x".into())));
        assert_eq!(parsed("nvtx"), Some(Output::Nvtx));
        for text in ["", "chrome", "chrome=", "nvtx=x", "trace.json"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
