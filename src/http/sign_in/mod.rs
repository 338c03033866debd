//! Signing in and out.

mod arrival;
mod next;

pub(super) use arrival::{ask, enter, leave};
pub(super) use next::Next;
