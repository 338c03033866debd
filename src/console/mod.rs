//! The owner's pages: HTML from plain data, without scripts, images, or anything from elsewhere.

mod credential;
mod credentials;
mod ending;
mod failure;
pub mod form;
mod go_on;
mod job;
mod key_entry;
mod layout;
mod line;
mod moment;
mod notice;
mod receipts;
mod reply;
mod sign_in;
mod state;
mod strangers;
mod style;
mod turning;
mod ways;

pub use credential::{
    Credential, NewDevice, NotedError, Owner, RefusedName, Shown, UserDevice, already_added, credential,
    new_device,
};
pub use credentials::{CredentialsCard, Mine, my_credentials};
pub use ending::{Ending, NEWEST_RECEIPT, Question, confirm, last_owner, nothing_to_cut_off, prove_again};
pub use failure::{Failure, failure};
pub use go_on::{go_on, led_on, not_there};
pub use job::{Bench, Outcome, Task, job_form, job_form_kept, job_outcome, jobs, past_outcome};
pub use key_entry::{KeyEntry, KeyFault, KeyLine, key_entry, no_account};
pub use layout::{Frame, Viewer, page};
pub use maud::Markup;
pub use notice::Done;
pub use receipts::{ReceiptList, receipts};
pub use sign_in::{LINK_OVER, NOT_KEPT_HERE, OWNER_UNKNOWN, Once, SignIn, link_over, once, sign_in};
pub use strangers::{LONGEST_NAME, Name, strangers_sentence, strangers_text};
pub use style::{STYLE, STYLE_PATH};
pub use turning::Turning;
pub use ways::{Again, Ways};
