//! Who a browser belongs to: sessions, sign-ins under way, and the link in the terminal.

mod browser;
mod flows;
mod links;
mod sending;
mod sessions;
mod signed_in;

pub use browser::keeps_sign_ins;
pub(super) use browser::{Browser, set_cookies};
pub use flows::Flows;
pub(super) use flows::{ComeBack, Course, Flow};
pub use links::OneTimeLinks;
pub(super) use sending::{Incoming, Sending};
pub use sessions::Sessions;
pub(super) use sessions::{Admission, Proof};
pub(super) use signed_in::unavailable;
pub use signed_in::{Fields, Session};
