//! The owner's pages: each reads its request, asks the credentials, and hands data to the console.

mod credential;
mod credentials;
mod endings;
mod job;
mod receipts;
mod start;
mod style;
mod visit;

pub(super) use credential::{add_me, one, to_home};
pub(super) use credentials::mine;
pub(super) use endings::{ask, end};
pub(super) use job::{form, list, send};
pub(super) use receipts::receipts;
pub(super) use start::start;
pub(super) use style::style;
