//! The command line, one file a command.

pub mod arguments;
mod config;
mod error;
mod exit;
mod health;
mod run;

pub use error::CommandError;
pub use exit::Exit;
pub use run::run;
