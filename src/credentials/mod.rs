//! The life of a credentials device: made from an account's secret, bound to user devices, opened, revoked.

mod aftermath;
mod bind;
mod errands;
mod error;
mod forget;
mod keep;
mod leave;
mod of_owner;
mod on_embedded;
mod on_meshblu;
mod open;
mod openings;
mod owned;
mod projection;
mod receipt;
mod receipts;
mod rekey;
mod renewal;
mod revoke;
mod templates;
mod user_devices;
mod uses;

pub use crate::source::renewal::{Health, Standing};
pub use bind::{BoundDevice, NewUserDevice, UserDeviceLook};
pub use error::CredentialsError;
pub use keep::{Account, CredentialsDevices, Sealing};
pub use on_meshblu::login_in;
pub use open::Opened;
pub use owned::Owned;
pub use receipt::{Act, ApiAnswer, ApiVerdict, Fate, Matter, Part, Receipt, Revoker};
pub use rekey::Rekeyed;
pub use renewal::Life;
pub use revoke::Cut;
pub use user_devices::UserDeviceEntry;
