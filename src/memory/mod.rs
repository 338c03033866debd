//! What things take in memory, and room for so much of them at a time.

mod room;
pub mod weight;

pub use room::{Crowded, Room, Taken};
