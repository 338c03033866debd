//! What can be wrong with the settings, each in one sentence for the operator.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Origin;
use super::suggestion::did_you_mean;

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of it, from 1.
        line: usize,
        /// What the parser says; never the line itself, it may hold a secret.
        reason: String,
    },
    /// No setting has this name.
    #[error("{origin}: there is no setting `{name}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownSetting {
        /// Where the name stands.
        origin: Origin,
        /// The name.
        name: String,
        /// The setting that is probably meant.
        suggestion: Option<String>,
    },
    /// No setting has this environment variable.
    #[error("environment: there is no variable `{name}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownVariable {
        /// The name.
        name: String,
        /// The variable that is probably meant.
        suggestion: Option<String>,
    },
    /// The setting does not take this value.
    #[error("{origin}: `{name}` must be {expected}{}", instead(found.as_deref()))]
    Value {
        /// Where the value stands.
        origin: Origin,
        /// The setting.
        name: String,
        /// What it takes.
        expected: String,
        /// What it got; left out where that may be a secret.
        found: Option<String>,
    },
    /// A file inside the data directory wants the data directory to be another one.
    #[error("{}: `data_dir` names another directory than the one this file is in; use --data-dir, ENDO_DATA_DIR or --config", path.display())]
    DataDirInside {
        /// The file.
        path: PathBuf,
    },
    /// Variables of two services of old say different things.
    #[error(
        "{first} and {second} are of two services and do not agree: take one away, or set `{setting}` itself"
    )]
    TwoServices {
        /// The setting that both mean.
        setting: String,
        /// The one variable.
        first: Origin,
        /// The other.
        second: Origin,
    },
    /// A Meshblu is named, and not who the gateway is there.
    #[error(
        "{told} is about a Meshblu, and MESHBLU_UUID (`bus.uuid`) is missing: who the gateway is there; where the \
         embedded bus is meant, set `bus.kind` to \"embedded\""
    )]
    NoUuid {
        /// Where something about it stands.
        told: Origin,
    },
    /// The address of a Meshblu is to be looked up in DNS.
    #[error(
        "{told} has the address of the Meshblu looked up in DNS, which is not done here: set MESHBLU_HOSTNAME, or \
         `bus.url` itself"
    )]
    AsksDns {
        /// Where that stands.
        told: Origin,
    },
    /// The client or the address of an original gateway is there, and nobody says of which API.
    #[error(
        "{told} is of a service that the catalogue of providers does not have: set `source.provider` (`endo providers` \
         lists them), or say where its API is by `source.name`, `base_url`, `authorization_url`, `token_url`, \
         `profile_url` and `profile_id`"
    )]
    NoProvider {
        /// Where it stands.
        told: Origin,
    },
    /// The values are fine one by one, but not together.
    #[error("the settings do not fit together")]
    Together(#[source] toml::de::Error),
}

fn instead(found: Option<&str>) -> String {
    found.map(|value| format!(", not {value}")).unwrap_or_default()
}
