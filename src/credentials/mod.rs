//! The life of a credentials device: made from an account's secret, bound to user devices, opened, revoked.

mod bind;
mod error;
mod keep;
mod on_embedded;
mod on_meshblu;
mod open;
mod openings;
mod owned;
mod templates;

pub use bind::{BoundDevice, NewUserDevice, UserDeviceLook};
pub use error::CredentialsError;
pub use keep::{Account, CredentialsDevices, Sealing};
pub use on_meshblu::login_in;
pub use open::Opened;
pub use owned::Owned;
