//! Turns, room in memory and places to wait in, of which nobody has all.

mod places;
mod share;
mod shares;
mod turns;

pub use places::{Place, Places};
pub(crate) use share::is_within_share;
pub use turns::{Turn, Turns};
