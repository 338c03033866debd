//! Every story of the gateway, in one program: they share the harness and link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../support/mod.rs"]
mod support;

/// Where the jobs of the README find it.
use endo::job;

mod architecture;
mod bus_api;
mod bus_rules;
mod canaries;
mod command_line;
mod config;
mod console;
mod container;
mod credentials;
mod crowd;
mod dispatch;
mod doctor;
mod draining;
mod egress;
mod farewell;
mod files;
mod firehose;
mod front_door;
mod github;
mod handing_over;
mod handlers;
mod home_bus;
mod jobs;
mod keys;
mod kill;
mod lately;
mod legible;
mod licences;
mod main_job;
mod oauth;
mod owners;
mod plain;
mod readme;
mod redaction;
mod remote;
mod renewing;
mod revocation;
mod serving;
mod sharing;
mod sign_in;
mod signatures;
mod source;
mod stopping;
mod store;
mod telemetry;
mod vault;
mod walk;
mod webhooks;
