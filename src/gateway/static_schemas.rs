//! The static schemas of a directory (`spec/endo.md` 2.3).

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

/// Why a directory of static schemas cannot be used.
#[derive(Debug, Error)]
pub enum StaticSchemaError {
    /// The directory, or a file in it, cannot be read.
    #[error("jobs.static_schemas: cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file is not JSON.
    #[error("jobs.static_schemas: {} is not JSON", path.display())]
    NotJson {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// A schema exists as CSON alone.
    #[error(
        "jobs.static_schemas: {} is CSON, which is not read here: `endo job convert {}` makes JSON of it",
        path.display(), directory.display()
    )]
    Cson {
        /// Which.
        path: PathBuf,
        /// Where it is.
        directory: PathBuf,
    },
}

/// Name and text of every schema in the directory.
///
/// # Errors
/// [`StaticSchemaError`].
pub(super) fn in_directory(directory: &Path) -> Result<Vec<(String, String)>, StaticSchemaError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |cause| StaticSchemaError::File { path, cause }
    };
    let mut schemas = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => {
                let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
                serde_json::from_str::<Value>(&text)
                    .map_err(|cause| StaticSchemaError::NotJson { path: path.clone(), cause })?;
                schemas.push((stem.to_owned(), text));
            }
            Some("cson") if !path.with_extension("json").exists() => {
                return Err(StaticSchemaError::Cson { path, directory: directory.to_owned() });
            }
            _ => {}
        }
    }
    Ok(schemas)
}
