//! What the sender of an invalid message gets to read, in the original's words (`spec/endo.md` 2.11).

mod arrays;
mod combinations;
mod fallback;
mod fault;
mod objects;
mod scalars;
mod text;
mod walk;

pub use fault::Fault;
pub(super) use text::cut;
pub(super) use walk::faults;
