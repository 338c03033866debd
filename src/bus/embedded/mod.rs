//! A device network inside the gateway, which unmodified Meshblu clients can use.

mod access;
mod acting;
pub mod api;
mod bus;
mod devices;
mod error;
pub mod forwarder;
mod founding;
mod messages;
pub mod oauth;
mod order;
pub mod path;
pub mod projection;
pub mod query;
pub mod recipient;
pub mod registration;
pub mod routing;
mod signers;
mod streams;
pub mod subscription;
mod subscriptions;
mod target;
mod tokens;
mod trail;
pub mod update;
mod walk;
mod webhooks;
pub mod whitelist;

pub use access::Caller;
pub use acting::{Changing, Reading};
pub use bus::{EmbeddedBus, Ground};
pub use devices::Registered;
pub use error::BusError;
pub use signers::Signers;
pub use streams::{Arrived, Heard, Listening, Reader, Streams};
pub use webhooks::{WebhookSettings, Webhooks};
