//! Engine.IO, protocol 3, as both ends of a firehose speak it (`spec/meshblu.md` 6.1). Pure.

mod packet;
mod payload;

pub use packet::{Malformed, Packet, PacketType};
pub use payload::{Framing, read, write};
