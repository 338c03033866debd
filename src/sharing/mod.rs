//! Turns, room in memory and places to wait in, of which nobody has all.

mod places;
mod share;
mod shares;
mod turns;

pub use places::{Place, Places};
pub use turns::{Turn, Turns};
