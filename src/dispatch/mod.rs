//! The worker: delivery → credentials → job → reply → end.

mod answer;
mod case;
mod ending;
mod endings;
mod exchange;
mod intake;
mod reception;
mod sent;
mod verdict;

pub use answer::{Desk, Repeats};
pub use endings::Endings;
pub use exchange::{Came, Exchange, NotSent, Sent};
pub use intake::Dispatch;
pub use reception::{Arrival, NotReceived, Reception};
pub use verdict::Verdict;
