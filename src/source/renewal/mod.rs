//! Renewing what expires: once, however many ask, and never in a way that loses the secret.
//!
//! Each step is on disk before the next leaves: the intent before the refresh token is sent, the sealed new secret
//! before anything else is called. What a crash or a lost answer leaves is *in doubt*, and is resolved from disk alone.

mod claim;
mod demand;
mod error;
mod flights;
mod judgement;
mod records;
mod renewer;
mod schedule;
mod standing;
mod upstream;

pub use demand::{Demand, RenewalSettings, Renewed};
pub use error::{RecordsError, RenewalError};
pub use flights::Renewals;
pub use records::{Held, NewSecret, Records};
pub use renewer::Renewer;
pub use schedule::{begin_life, is_due, renew_at};
pub use standing::{BeforeUse, Health, Standing};
pub use upstream::Upstream;
