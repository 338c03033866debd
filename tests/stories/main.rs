//! Every story of the gateway, in one program: they share the harness and link once.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod bus_api;
mod bus_rules;
mod canaries;
mod command_line;
mod config;
mod dispatch;
mod front_door;
mod github;
mod jobs;
mod kill;
mod licences;
mod main_job;
mod readme;
mod store;
mod vault;
mod webhooks;
