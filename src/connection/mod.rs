//! The connections of a server: who goes where many come, and how each of them ends.

mod attendance;
mod crowd;
mod farewell;
mod hanging_up;
mod lookout;
mod taking;

pub use attendance::{Connection, attend};
pub use lookout::{Lookout, Terms};
