//! The worker: delivery → credentials → job → reply → end.

mod answer;
mod awaited;
mod case;
mod ending;
mod endings;
mod exchange;
mod intake;
mod reception;
mod verdict;

pub use answer::{Desk, Retry};
pub use awaited::Awaited;
pub use endings::Endings;
pub use exchange::{Came, Exchange, NotSent, Sent};
pub use intake::Dispatch;
pub use reception::{Arrival, NotReceived, Reception};
pub use verdict::Verdict;
