//! The rules of the embedded bus, each by itself: no storage, no HTTP.

mod whitelists;
