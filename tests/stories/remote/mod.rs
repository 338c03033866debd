//! The gateway on a Meshblu elsewhere.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bad_meshblu;
mod begun;
mod clients;
mod compressed;
mod cycle;
pub(super) mod devices;
mod ended_making;
mod endings;
mod failures;
mod firehose;
mod full;
mod guarded;
mod half_made;
mod heavy;
mod keys;
mod killed;
mod killed_making;
mod leaving;
mod lent;
mod lists;
mod logins;
mod moved;
mod names;
mod namesakes;
mod old_signatures;
mod ours;
mod owners;
mod pages;
mod repeats;
mod replies;
mod rotated;
mod routes;
mod sign_ins;
mod standing;
mod starting;
mod stopping;
mod strangers;
mod terminal;
mod turns;
mod twice;
mod unopened;
mod waiting;
