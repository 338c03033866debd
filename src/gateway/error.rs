//! Why a gateway cannot be put together.

use std::path::PathBuf;

use thiserror::Error;

use super::static_schemas::StaticSchemaError;
use crate::bus::embedded::BusError;
use crate::bus::meshblu::MeshbluError;
use crate::egress::EgressError;
use crate::job::LoadError;
use crate::signature;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::vault::KeyError;

/// A gateway that does not start; the text is one sentence for the operator.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or directory cannot be used.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The key file holds no key.
    #[error("{path} holds no private key that can be used: put the RSA key there as PEM")]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: KeyError,
    },
    /// The file of a key that signs requests holds no such key.
    #[error("{path} holds no {kind} key; without the file, the next start makes one")]
    SigningKey {
        /// Which file.
        path: PathBuf,
        /// Of which kind the key has to be.
        kind: &'static str,
        /// Why.
        #[source]
        cause: signature::KeyError,
    },
    /// The key that seals the records of the data directory is none of those that are there, or there is none.
    #[error(
        "the key {kid}, which seals the records in {directory}, is not here: put its file back, which is \
         records-{kid}.pem, or records.pem where it is the first key of the directory; where it came from \
         records.private_key (MESHBLU_PRIVATE_KEY), set that; or use another data directory (ENDO_DATA_DIR)"
    )]
    NoKey {
        /// Its name.
        kid: String,
        /// The data directory.
        directory: PathBuf,
    },
    /// The key in the settings is another than the one that seals the records of the data directory.
    #[error(
        "records.private_key is another key than {kid}, which seals the records in {directory}: unset it to go on with \
         the keys that are there, or use another data directory (ENDO_DATA_DIR)"
    )]
    OtherKey {
        /// The name of the one that seals.
        kid: String,
        /// The data directory.
        directory: PathBuf,
    },
    /// What the data directory holds belongs to a bus of another kind.
    #[error(
        "what is in {directory} belongs to another bus than bus.kind = \"{wanted}\": set what the gateway that works there is \
         started with (bus.kind, or MESHBLU_UUID and what belongs to it), or use another data directory (ENDO_DATA_DIR)"
    )]
    OtherBus {
        /// The data directory.
        directory: PathBuf,
        /// What the settings say.
        wanted: &'static str,
    },
    /// What the data directory holds belongs to another service of the Meshblu.
    #[error(
        "what is in {directory} belongs to another service than bus.uuid (MESHBLU_UUID) names: set the uuid and the token that the \
         gateway that works there was started with, or use another data directory (ENDO_DATA_DIR)"
    )]
    OtherService {
        /// The data directory.
        directory: PathBuf,
    },
    /// The settings want the format of old.
    #[error("`records.write = 1` is set, so records stay in the form of old: take that setting away first")]
    FormatIsSet,
    /// The database is gone, and what belongs to it is still there.
    #[error(
        "the database of {0} is gone or empty: restore it from a backup, or remove owner.json to begin anew"
    )]
    NoDatabase(PathBuf),
    /// A job cannot be loaded.
    #[error("cannot load the jobs")]
    Jobs(#[from] LoadError),
    /// The settings of outgoing calls are wrong.
    #[error("the hosts in the settings are wrong")]
    Egress(#[from] EgressError),
    /// An address in the settings is none.
    #[error("{setting} is no URL")]
    Url {
        /// The setting's name.
        setting: &'static str,
    },
    /// The settings name a Meshblu, and not who the gateway is there.
    #[error("bus.kind is \"meshblu\", so {setting} has to be set: the gateway's own device there")]
    NoService {
        /// The setting that is missing.
        setting: &'static str,
    },
    /// The gateway works on the credentials of an existing service, whose key nobody gave it.
    #[error(
        "{0} is missing: on a Meshblu the credentials there were sealed with the service's private key, so put it in \
         records.private_key (MESHBLU_PRIVATE_KEY) or in that file"
    )]
    NoImportedKey(PathBuf),
    /// The key in the settings is none.
    #[error(
        "records.private_key is no private key that can be used: it, or MESHBLU_PRIVATE_KEY, takes an RSA key as PEM, or \
         as base64 of that"
    )]
    ImportedKey(#[source] KeyError),
    /// The Meshblu does not know the gateway, or does not answer.
    #[error("could not authenticate with the Meshblu at {url}")]
    Meshblu {
        /// Where it is expected.
        url: String,
        /// What it said.
        #[source]
        cause: MeshbluError,
    },
    /// Webhooks of the old form are to be accepted, and nobody says who signs them.
    #[error(
        "the Meshblu at {url} shows no RSA key at /publickey, which bus.accept_legacy_signatures = true needs"
    )]
    NoPublicKey {
        /// Where it is expected.
        url: String,
        /// What came instead.
        #[source]
        cause: MeshbluError,
    },
    /// A directory of static schemas cannot be used.
    #[error(transparent)]
    StaticSchemas(#[from] StaticSchemaError),
    /// The settings of the API make no sense.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bus refused what the first start needs.
    #[error("the bus cannot be set up")]
    Bus(#[from] BusError),
    /// A listener cannot be opened or used.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl GatewayError {
    /// The setting that leads to what cannot be used, if one alone does.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::StaticSchemas(_) => Some("jobs.static_schemas"),
            Self::ImportedKey(_) | Self::OtherKey { .. } => Some("records.private_key"),
            Self::Url { setting } => Some(setting),
            _ => None,
        }
    }
}
