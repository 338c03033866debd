//! The bus's API, as its clients meet it over HTTP.

mod acting;
mod bad_input;
mod devices;
mod errors;
mod exhaustion;
mod gateway_cycle;
mod messages;
mod rate_limit;
mod search;
mod subscriptions;
mod tokens;
mod updates;
mod with_meshblu_http;
