//! The bus's API, as its clients meet it over HTTP.

mod acting;
mod bad_input;
mod deliveries;
mod devices;
mod errors;
mod exhaustion;
mod gateway_cycle;
mod grants;
mod memory;
mod messages;
mod places;
mod rate_limit;
mod reading_along;
mod routes;
mod search;
mod subscriptions;
mod tokens;
mod turns;
mod updates;
mod wires;
mod with_meshblu_http;
