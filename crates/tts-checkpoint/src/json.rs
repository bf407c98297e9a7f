use serde::de::DeserializeOwned;

use crate::error::CheckpointError;
use crate::files::ModelFiles;

/// Parses a JSON file of the model; errors name file and field.
pub(crate) fn parse<T: DeserializeOwned>(
    files: &ModelFiles,
    name: &str,
    content: &[u8],
) -> Result<T, CheckpointError> {
    let mut reader = serde_json::Deserializer::from_slice(content);
    let value =
        serde_path_to_error::deserialize(&mut reader).map_err(|e| CheckpointError::Json {
            path: files.path(name),
            field: e.path().to_string(),
            source: e.into_inner(),
        })?;
    reader.end().map_err(|source| CheckpointError::Json {
        path: files.path(name),
        field: ".".to_owned(),
        source,
    })?;
    Ok(value)
}
