//! Durable state and durable work, one transaction over both.
//!
//! One thread writes and groups what waits into one commit ([`Store::write`]); many connections read
//! ([`Store::read`]). Whatever a write answers, it answers after its commit is on disk.

mod at_hand;
mod columns;
mod crowds;
mod error;
mod feeds;
mod formats;
mod insisting;
mod open;
mod pruning;
mod room;
mod schema;
mod tables;
mod transaction;
mod turns;
mod writer;

pub use at_hand::rights::StoredRight;
pub use error::StoreError;
pub use feeds::due::Due;
pub use feeds::feed::{Feed, Taken};
pub use feeds::handed::{Claim, Handed};
pub use feeds::keys::{LineKey, WebhookKey};
pub use feeds::overdue::Overdue;
pub use feeds::passed_over::{DevicesAtHosts, HostSet, PassedOver};
pub use feeds::place::{AskedFor, Place};
pub use feeds::rationed::{FailingLine, NextTrials, Rationed};
pub use insisting::Insisting;
pub use open::{Store, StoreSettings};
pub use room::WayIn;
pub use tables::bindings::{Binding, NotedBinding};
pub use tables::bodies::SharedBody;
pub use tables::codes::{Kept, StoredCode, StoredGrant};
pub use tables::dead_letters::{DeadLetter, DeadLetterEntry, Death};
pub use tables::deliveries::{LeavingReply, NewDelivery, QueuedDelivery, Work, WrittenReply};
pub use tables::devices::{Lookup, StoredDevice, indexed_strings};
pub use tables::errands::{Errand, ErrandKind, QueuedErrand};
pub use tables::fate::Fate;
pub use tables::forgotten::{ForgottenOwner, SignedOwners};
pub use tables::half_done::HalfDone;
pub use tables::half_made::HalfMade;
pub use tables::moments::Moment;
pub use tables::outcomes::{Ending, Outcome};
pub use tables::owners::{OwnerName, StoredOwner};
pub use tables::projections::OwedProjection;
pub use tables::receipts::StoredReceipt;
pub use tables::records::StoredRecord;
pub use tables::refresh_tokens::{CopyOfLine, Fingerprint, HolderOfLine, RenewalStage, StoredRefreshToken};
pub use tables::renewals::{AccessToken, StoredRenewal};
pub use tables::revocations::{Erased, NewRevocation, QueuedRevocation};
pub use tables::sent_forms::{FormKey, SentForm};
pub use tables::sent_messages::SentMessage;
pub use tables::sessions::{MostSessions, StoredSession};
pub use tables::sign_ins::StoredSignIn;
pub use tables::subscriptions::StoredSubscription;
pub use tables::tokens::{StoredToken, TokenHash};
pub use tables::uses::LastUse;
pub use transaction::{Transaction, View};
pub use turns::accounts::Account;
