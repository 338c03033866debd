//! The bus's API, as its clients meet it over HTTP.

mod errors;
mod messages;
