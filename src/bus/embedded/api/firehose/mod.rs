//! The firehose: what arrives at a device, with its route, over polling or a websocket (`spec/meshblu.md` 6.1).

mod asked;
mod conversation;
mod event;
mod fragments;
mod gauge;
mod handshake;
mod heads;
mod limits;
mod payloads;
mod polling;
mod rejection;
mod routes;
mod sessions;
mod strangers;
mod websocket;

pub use limits::FirehoseLimits;
pub(super) use routes::routes;
pub(super) use sessions::Sessions;
pub(super) use strangers::Strangers;
