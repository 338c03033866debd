//! Durable state and durable work, one transaction over both.
//!
//! One thread writes and groups what waits into one commit ([`Store::write`]); many connections read
//! ([`Store::read`]). Whatever a write answers, it answers after its commit is on disk.

mod bindings;
mod codes;
mod dead_letters;
mod deliveries;
mod device_cache;
mod devices;
mod errands;
mod error;
mod facts;
mod fate;
mod feed;
mod flows;
mod half_made;
mod open;
mod outcomes;
mod owners;
mod place;
mod projections;
mod proofs;
mod pruning;
mod readers;
mod receipts;
mod records;
mod renewals;
mod revocations;
mod room;
mod schema;
mod sent_forms;
mod sent_messages;
mod sessions;
mod sign_ins;
mod subscriptions;
mod tokens;
mod transaction;
mod uses;
mod writer;

pub use bindings::{Binding, NotedBinding};
pub use codes::{StoredCode, StoredGrant};
pub use dead_letters::{DeadLetter, Death};
pub use deliveries::{LeavingReply, NewDelivery, QueuedDelivery, WebhookKey, Work};
pub use devices::{Lookup, StoredDevice};
pub use errands::{Errand, ErrandKind, QueuedErrand};
pub use error::StoreError;
pub use fate::Fate;
pub use feed::{Feed, PassedOver, Taken};
pub use half_made::HalfMade;
pub use open::{Store, StoreSettings};
pub use outcomes::{Ending, Outcome};
pub use owners::{OwnerName, StoredOwner};
pub use place::{AskedFor, Place};
pub use projections::OwedProjection;
pub use receipts::StoredReceipt;
pub use records::StoredRecord;
pub use renewals::{RenewalStage, StoredRenewal};
pub use revocations::QueuedRevocation;
pub use sent_forms::{FormKey, SentForm};
pub use sent_messages::SentMessage;
pub use sessions::{MostSessions, StoredSession};
pub use sign_ins::StoredSignIn;
pub use subscriptions::StoredSubscription;
pub use tokens::{StoredToken, TokenHash};
pub use transaction::{Transaction, View};
