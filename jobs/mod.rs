//! The one list of jobs written in Rust.
