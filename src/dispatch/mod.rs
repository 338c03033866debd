//! The worker: delivery → credentials → job → reply → end.

mod answer;
mod arrival;
mod bringer;
mod caller;
mod case;
mod ending;
mod endings;
mod exchange;
mod guest;
mod known;
mod lobby;
mod reception;
mod refusals;
mod sent;
mod to_the_end;
mod verdict;
mod wait;
mod worker;

pub use answer::{Desk, Repeats};
pub use arrival::{Arrival, NotReceived};
pub use caller::{Admitted, Authenticated, Seated};
pub use endings::Endings;
pub use exchange::{Came, Exchange, NotSent, Sent};
pub use reception::Reception;
pub use verdict::Verdict;
pub use worker::{Dispatch, turns};
