//! Turns and room in memory, of which each device has its share.

mod shares;
mod turns;

pub use turns::{Turn, Turns};
