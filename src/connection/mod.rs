//! The connections of a server: who goes where many come, and how each of them ends.

mod attendance;
mod crowd;
mod farewell;
mod hanging_up;
mod hearing;
mod lookout;
mod taking;
mod terms;

pub use attendance::{Connection, attend};
pub use hearing::Hearing;
pub use lookout::Lookout;
pub use terms::Terms;
