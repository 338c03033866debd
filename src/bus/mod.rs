//! The device network.

mod brought;
pub mod embedded;
pub mod engine_io;
pub mod form;
mod kind;
mod login;
pub mod meshblu;
mod origin;
mod provider;

pub use brought::Brought;
pub use kind::Bus;
pub use login::{LENIENT_BASE64, LOGIN_HEADERS, Login};
pub use origin::may_be_ours;
pub use provider::{BusProvider, Granted, Journey, NotEnded, NotSignedIn};
