//! The firehose of the embedded bus, down to the wire.

mod codec;
mod delivery;
mod endings;
mod fragments;
mod handshakes;
mod misbehaving;
mod real;
pub(crate) mod wire;
