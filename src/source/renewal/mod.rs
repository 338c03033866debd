//! Renewing what expires: once, however many ask, and never in a way that loses the secret.
//!
//! Each step is on disk before the next leaves: the intent before the refresh token is sent, the sealed new secret
//! before anything else is called. What a crash or a lost answer leaves is *in doubt*, and is resolved from disk alone.
//!
//! How often a refresh token is sent:
//! * A refusal that another grant would not change, 429, 503, and what never left this machine did not use it up: it is
//!   as if it had not been sent, and is sent again after a pause that grows. The status says so, whatever becomes of the
//!   body: an hour of maintenance ends nobody's credentials.
//! * No answer (no connection to the end, none in time, a crash), one that cannot be understood (a page of HTML), and
//!   failures of which nobody knows whether they came before or after the tokens (408, 500, 502, 504, every other 5xx)
//!   leave it in doubt. The access token is tried, and used as long as it works; the refresh token is sent again only as
//!   often as the provider's entry says (`retry`): once after a rest, or at once and then after pauses that grow.
//! * All of that is known of the refresh token, whoever holds it: the record of a sign-in that brought none, or the same
//!   again, goes on where the one before was, whether a request is under way or its end in doubt, and so does one that is
//!   sealed anew around the same secret, for other owners or under another key, and one of other credentials where those
//!   that held it are forgotten. What the request brings goes into the newest record that holds the refresh token, of
//!   whichever device.
//! * A sign-in that was given a refresh token which is spent by the time it is kept takes over what was given for that, from
//!   the record before or from what waits for its end at the API. Where neither has it, the sign-in says so.
//! * The end of a refresh token is none of the access token beside it, least of all where a sign-in brought that meanwhile: it
//!   is used until its own end, or until the API refuses it where nobody knows that.
//! * A refresh token that is to end is sent in the same way, once, where the API ends a grant by its access token alone and that
//!   ran out: what it brings is to end in its place, and is on disk before the API is told of that.
//! * What the API refuses although it was renewed a moment ago is not renewed again at once: whoever sends messages does
//!   not decide how often the provider is asked.

mod claim;
mod clients;
mod demand;
mod error;
mod flights;
mod for_an_end;
mod judgement;
mod keeping;
mod records;
mod refusal;
mod renewer;
mod schedule;
mod sealed_anew;
mod sign_ins;
mod standing;
mod subject;
mod upstream;

pub use clients::{CameBy, OTHER_CLIENT};
pub use demand::{Demand, Rejection, RenewalSettings, Renewed, SaidBy};
pub use error::{RecordsError, RenewalError};
pub use flights::Renewals;
pub use for_an_end::{EndingSecret, LastRenewal};
pub use judgement::{NOBODY_RENEWS, is_answer_lost, is_held, may_be_lost_answer};
pub use records::{CameTo, Held, NewSecret, Outcome, Records, Replaced, Sake, Sending, Stranded};
pub use refusal::{Refused, note_refusal};
pub use renewer::Renewer;
pub use schedule::{begin_life, renew_at};
pub use sealed_anew::carry_over;
pub use sign_ins::{IssuedToken, named};
pub use standing::{BeforeUse, Health, Standing};
pub use upstream::Upstream;
