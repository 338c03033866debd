//! The front door of the gateway: what strangers reach over HTTP.

mod admission;
mod body;
mod documents;
mod endings;
mod entrance;
mod health;
mod jobs;
mod judge;
mod limits;
mod naming;
mod owners;
mod page;
mod pages;
mod presented;
mod problem;
mod routes;
mod schemas;
mod server;
mod session;
mod sign_in;
mod webhook;
mod welcome;

pub use body::Body;
pub use documents::Documents;
pub use entrance::{Entrance, Way};
pub use health::{Check, Draining, Health};
pub use jobs::Jobs;
pub use judge::Judge;
pub use limits::Limits;
pub use owners::{Owners, Proof};
pub use problem::{Kind, Problem};
pub use routes::{MESSAGES, before_messages};
pub use schemas::SCHEMAS;
pub use server::{Console, FrontDoor, Presence, drain, serve};
pub use session::{Fields, Flows, OneTimeLinks, Session, Sessions, keeps_sign_ins};
pub use webhook::Webhook;
