//! What things take in memory, and room for so much of them at a time.

mod outlook;
mod room;
pub mod weight;

pub use outlook::Outlook;
pub use room::{Crowded, Room, Taken};
