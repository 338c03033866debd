//! The command line, one file a command.

pub mod arguments;
mod config;
mod error;
mod exit;
mod health;
mod jobs;
mod run;
mod stand_in;

pub use error::CommandError;
pub use exit::Exit;
pub use run::run;
pub use stand_in::StandIn;
