//! Endo: a webhook-driven gateway that mediates credentials.
//!
//! # The path of a message
//!
//! ```text
//! Meshblu ─ POST /v2/messages ─► http: raw bytes → signature → message and route ─┐   or off its firehose
//! embedded bus ─► store: accepted, on disk before it is acknowledged ◄────────────┘
//!                   │  Delivery { id, message, route }
//!           dispatch│
//!   credentials: binding, record, verify, open   tombstone? subscribed? → Credentials, live for one job
//!   job: message schema → run → response schema
//!                   │   → Reply
//!   bus: send as the user device                 reply, status entry and the delivery's end commit together;
//!                                                on a bus elsewhere the reply is written down before it leaves
//! ```
//!
//! # The rooms
//!
//! | Room | What is in it |
//! |---|---|
//! | [`ambient`] | time and randomness, handed to whoever needs them |
//! | [`config`] | every setting, typed, read once |
//! | [`telemetry`] | logs |
//! | [`connection`] | who of those connected goes where many come, and how a connection ends |
//! | [`lasting`] | work that goes on when nobody waits for it any more |
//! | [`lately`] | what happened lately, and to whom: bounded |
//! | [`legible`] | which characters of a text people see: pure |
//! | [`memory`] | what things take in memory, and room for so much of them at a time |
//! | [`message`] | messages, routes, replies: pure |
//! | [`negotiation`] | what a caller accepts and already has: pure |
//! | [`paging`] | lists that are shown a page at a time: pure |
//! | [`queueing`] | turns, so many at a time for each name |
//! | [`redaction`] | keeping secrets out of what those say who were told them: pure |
//! | [`sharing`] | turns, room in memory and places to wait in, of which nobody has all |
//! | [`signature`] | HTTP signatures, both ways: pure |
//! | [`vault`] | the keys of records: seal, verify, open |
//! | [`egress`] | the one HTTP client for everything that leaves |
//! | [`store`] | durable state and durable work; all SQL |
//! | [`bus`] | the device network |
//! | [`source`] | how a secret is obtained and renewed |
//! | [`credentials`] | the life of a credentials device |
//! | [`job`] | the contract of a job; [`jobs`] are the jobs themselves |
//! | [`dispatch`] | the worker: delivery → credentials → job → reply → end |
//! | [`console`] | the owner's pages |
//! | [`http`] | the gateway's front door |
//! | [`gateway`] | the composition root |
//! | [`cli`] | the command line |

pub mod ambient;
pub mod bus;
pub mod cli;
pub mod config;
pub mod connection;
pub mod console;
pub mod credentials;
pub mod dispatch;
pub mod egress;
pub mod gateway;
pub mod http;
pub mod job;
#[path = "../jobs/mod.rs"]
pub mod jobs;
pub mod lasting;
pub mod lately;
pub mod legible;
pub mod memory;
pub mod message;
pub mod negotiation;
pub mod paging;
pub mod queueing;
pub mod redaction;
pub mod sharing;
pub mod signature;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod vault;
