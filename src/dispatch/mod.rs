//! The worker: delivery → credentials → job → reply → end.

mod answer;
mod ending;
mod intake;

pub use answer::{Desk, Retry};
pub use intake::Dispatch;
