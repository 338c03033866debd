//! Every setting, typed, read once: defaults, then `endo.toml`, then the environment, then flags.

mod catalogue;
mod effective;
mod environment;
mod error;
mod layers;
mod limits;
mod load;
mod network;
mod one_or_more;
mod originals;
mod provider;
mod secret;
mod sections;
mod source;
mod suggestion;
mod value;

pub use catalogue::{Catalogue, Kind, Setting, json_schema};
pub use effective::{Effective, Origin};
pub use error::ConfigError;
pub use limits::{Egress, Http, Store, Webhooks};
pub use load::{Flag, Sources, load};
pub use network::{Bus, BusKind, Credentials, Intake, Records};
pub use one_or_more::one_or_more;
pub use originals::Notice;
pub use provider::ProviderOf;
pub use secret::Secret;
pub use sections::{Config, Github, Jobs, Listen, Log, LogFormat};
pub use source::{ClientAuthentication, RefreshRetry, RevocationEnds, RevocationWay, Source, SourceKind};
pub use suggestion::{closest, did_you_mean};
