//! The owner's pages: each reads its request, asks the credentials, and hands data to the console.

mod credentials;
mod start;
mod style;

pub(super) use credentials::mine;
pub(super) use start::start;
pub(super) use style::style;
