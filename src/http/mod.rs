//! The front door of the gateway: what strangers reach over HTTP.

mod admission;
mod body;
mod connection;
mod documents;
mod endings;
mod health;
mod limits;
mod negotiation;
mod owners;
mod presented;
mod problem;
mod routes;
mod schemas;
mod server;
mod webhook;
mod welcome;

pub use body::Body;
pub use documents::Documents;
pub use health::{Check, Draining, Health};
pub use limits::Limits;
pub use owners::Owners;
pub use problem::{Kind, Problem};
pub use schemas::SCHEMAS;
pub use server::{FrontDoor, drain, serve};
pub use webhook::Webhook;
