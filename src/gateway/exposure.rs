//! What holds secrets and is open to other users of this machine: by the modes of the files and of the directories that they
//! are in.

use std::fs::{Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::GatewayError;
use super::bus_keys::{OLD_FORM, RFC_9421};
use super::first_start::FILE as OWNER;
use super::handler_key::FILE as HANDLERS;
use super::key_file::is_key;
use crate::config::Config;
use crate::legible::shell_word;

/// Whoever may enter a directory may reach what is in it.
const ENTERED: u32 = 0o011;
const USED: u32 = 0o066;
const CHANGED: u32 = 0o022;
/// What a group may, which somebody else gave it: as an administrator does who keeps the settings.
const GROUP: u32 = 0o070;

/// A file with a secret that others may read or change, or the data directory where others may change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// Which.
    pub path: PathBuf,
    mode: u32,
    is_directory: bool,
}

impl std::fmt::Display for Exposed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (mode {:04o})", self.path.display(), self.mode)
    }
}

impl Exposed {
    /// The command that keeps others out, for a shell.
    pub fn remedy(&self) -> String {
        format!("chmod {:o} {}", self.closed(), shell_word(&self.path.display().to_string()))
    }

    /// Keeps others out.
    ///
    /// # Errors
    /// [`GatewayError::File`] where this user may not.
    pub fn close(&self) -> Result<(), GatewayError> {
        std::fs::set_permissions(&self.path, Permissions::from_mode(self.closed()))
            .map_err(|cause| GatewayError::File { path: self.path.clone(), cause })
    }

    fn closed(&self) -> u32 {
        if self.is_directory { 0o700 } else { 0o600 }
    }
}

/// Everything of a gateway with these settings that is open to others: its data directory, its keys, the token of its first
/// owner, and the files that secrets among the settings come from. The database keeps itself closed.
///
/// # Errors
/// [`GatewayError::File`] where the data directory cannot be looked at.
pub fn exposed(config: &Config) -> Result<Vec<Exposed>, GatewayError> {
    let directory = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let failed = |cause| GatewayError::File { path: directory.clone(), cause };
    let mut files = config.secret_files.clone();
    for entry in std::fs::read_dir(&directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.to_str().is_some_and(holds_secret) {
            files.push(directory.join(name));
        }
    }
    files.sort();
    files.dedup();
    // Whose this process is, its own database tells.
    let user = std::fs::metadata(directory.join("endo.db")).map(|database| database.uid()).ok();
    let itself = look(&directory, user, CHANGED);
    Ok(itself.into_iter().chain(files.iter().filter_map(|file| look_at_file(file, user))).collect())
}

fn holds_secret(name: &str) -> bool {
    is_key(name) || [OLD_FORM, RFC_9421, HANDLERS, OWNER].contains(&name)
}

/// Where it is a symbolic link, whoever reaches what it leads to reaches the secret, by whichever way.
fn look_at_file(link: &Path, user: Option<u32>) -> Option<Exposed> {
    let path = &std::fs::canonicalize(link).ok()?;
    let is_reached = std::fs::metadata(path.parent()?).ok()?.mode() & ENTERED != 0;
    is_reached.then(|| look(path, user, USED)).flatten()
}

/// What others may of this do there.
fn look(path: &Path, user: Option<u32>, may: u32) -> Option<Exposed> {
    let found: Metadata = std::fs::metadata(path).ok()?;
    let given = if user.is_none_or(|user| user == found.uid()) { may } else { may & !GROUP };
    let is_open = found.mode() & given != 0;
    is_open.then(|| Exposed {
        path: path.to_owned(),
        mode: found.mode() & 0o7777,
        is_directory: found.is_dir(),
    })
}

/// Tells the log what is open to others, once.
///
/// # Errors
/// [`GatewayError::File`] where the data directory cannot be looked at.
pub(super) fn warn(config: &Config) -> Result<(), GatewayError> {
    let exposed = exposed(config)?;
    for open in &exposed {
        tracing::warn!("other users of this machine can {}: run `{}`", open.danger(), open.remedy());
    }
    let path = &config.data_dir;
    let failed = |cause| GatewayError::File { path: path.clone(), cause };
    if exposed.is_empty() && std::fs::metadata(path).map_err(failed)?.mode() & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            "other users of this machine can enter the data directory; what is in it is kept from them, but `chmod 700` \
             is safer"
        );
    }
    Ok(())
}

impl Exposed {
    fn danger(&self) -> String {
        match self.is_directory {
            true => format!("put other keys and another database into {self}"),
            false => format!("read or change {self}, which holds a secret"),
        }
    }
}
