//! Renewing what expires: once, however many ask, and never in a way that loses the secret.
//!
//! Each step is on disk before the next leaves: the intent before the refresh token is sent, the sealed new secret
//! before anything else is called. What a crash or a lost answer leaves is *in doubt*, and is resolved from disk alone.
//!
//! How often a refresh token is sent:
//! * A refusal that another grant would not change, 429, and what never left this machine did not use it up: it is as if
//!   it had not been sent.
//! * A *lost* answer (no connection to the end, no answer in time, a crash) leaves it unknown. The access token is tried,
//!   and the refresh token is sent again only as often as the provider's entry says (`retry`).
//! * An answer that holds no tokens (5xx, 408, a page of HTML) is known, and says that there are none for us. The access
//!   token is used as long as it works; once it is over, the refresh token is sent again after a pause that grows,
//!   whatever `retry` says. A provider that never looked at it gives a new pair then: an hour of maintenance ends
//!   nobody's credentials. One that had used it up before it failed says `invalid_grant`, or takes it for a theft and
//!   ends all that came of it; but nothing of that is of use by then, for the new pair was in no answer.
//! * What the API refuses although it was renewed a moment ago is not renewed again at once: whoever sends messages does
//!   not decide how often the provider is asked.

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
