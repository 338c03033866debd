//! Every setting, typed, read once: defaults, then `endo.toml`, then the environment, then flags.

mod catalogue;
mod effective;
mod environment;
mod error;
mod layers;
mod load;
mod sections;
mod suggestion;
mod value;

pub use catalogue::{Catalogue, Kind, Setting, json_schema};
pub use effective::{Effective, Origin};
pub use error::ConfigError;
pub use load::{Flag, Sources, load};
pub use sections::{
    Bus, BusKind, Config, Egress, Github, Http, Jobs, Listen, Log, LogFormat, Records, Secret, Source, Store,
    Webhooks,
};
