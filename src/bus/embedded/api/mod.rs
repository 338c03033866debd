//! The HTTP side of the embedded bus, as Meshblu's clients know it (`spec/meshblu.md` 0.1).

mod answer;
mod body;
mod devices;
mod dress;
mod firehose;
mod limits;
mod liveness;
mod messages;
mod meter;
mod oauth;
mod presented;
mod problem;
mod refusal;
mod request;
mod routes;
mod search;
mod server;
mod slash;
mod slots;
mod streaming;
mod subscriptions;
mod tokens;
mod waiting;

pub use firehose::FirehoseLimits;
pub use limits::{ApiLimits, Registration};
pub use server::serve;
