//! Why a command ended without doing what it was asked for.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::Exit;
use crate::config::ConfigError;
use crate::job::LoadError;

/// Why a command ended without doing what it was asked for: together with its causes one sentence for standard error.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Standard output took no more.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
    /// A job can not be loaded.
    #[error(transparent)]
    Jobs(#[from] LoadError),
    /// No job has this type.
    #[error("there is no job type `{0}`; `endo jobs` lists them")]
    UnknownJobType(String),
    /// Nobody answers there.
    #[error("the gateway at {address} does not answer")]
    Unreachable {
        /// Where it was expected.
        address: SocketAddr,
        /// Why it does not answer.
        #[source]
        source: io::Error,
    },
    /// The gateway answers, but takes no work.
    #[error("the gateway at {address} is not ready: {status}")]
    NotReady {
        /// Where it is.
        address: SocketAddr,
        /// The first line of its answer.
        status: String,
    },
}

impl CommandError {
    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Configuration,
            // Whoever read the output has seen enough and went: `endo config | head -1`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) | Self::Jobs(_) | Self::UnknownJobType(_) | Self::NotReady { .. } => {
                Exit::Failure
            }
            Self::Unreachable { .. } => Exit::Unreachable,
        }
    }
}
