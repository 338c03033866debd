//! The owner's pages.

mod form;
