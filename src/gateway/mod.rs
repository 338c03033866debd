//! The composition root: the only room that names concrete parts together.

mod address;
mod bus_client;
mod bus_keys;
mod compose;
mod door;
mod error;
mod exposure;
mod first_start;
mod handler_key;
mod home_bus;
mod in_the_clear;
mod intake;
mod jobs;
mod key_file;
mod keys;
mod made_anew;
mod missing_keys;
mod running;
mod signing_key;
mod static_schemas;
mod translate;

pub use crate::ambient::Ambient;
pub use address::{reachable, url_of};
pub use bus_client::leads_nowhere;
pub use compose::Gateway;
pub use error::GatewayError;
pub use exposure::{Exposed, exposed};
pub use first_start::{FirstOwner, OwnerStanding};
pub use in_the_clear::in_the_clear;
pub use jobs::load_jobs;
pub use running::{Listeners, Running};
pub use static_schemas::StaticSchemaError;
