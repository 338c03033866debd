//! The firehose of a remote Meshblu, read over a connection that the gateway keeps (`spec/meshblu.md` 6.1).

mod conversation;
mod event;
mod link;
mod pauses;

pub use event::FirehoseEvent;
pub use link::{Firehose, Link};
pub use pauses::Pauses;
