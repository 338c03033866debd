//! What things take in memory, and room for so much of them at a time.

mod held;
mod room;
pub mod weight;

pub use held::Held;
pub use room::{Crowded, Room, Taken};

/// What takes no more bytes than this is not counted, unless it is asked for.
const SMALL: usize = 64 << 10;
