//! The command line, one file a command.

mod address;
pub mod arguments;
mod bus_client;
mod config;
mod credentials;
mod dead_letters;
mod demo;
mod devices;
mod doctor;
mod error;
mod exit;
mod health;
mod job;
mod jobs;
mod json_lines;
mod keys;
mod on_credentials;
mod on_devices;
mod on_keys;
mod operation;
mod perform;
mod program;
mod reach;
mod receipts;
mod run;
mod send;
mod serve;
mod signals;
mod socket;
mod stand_in;
mod table;

pub use bus_client::BusCallError;
pub use error::CommandError;
pub use exit::Exit;
pub use run::run;
pub use stand_in::StandIn;
