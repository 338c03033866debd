//! How a secret is obtained and renewed: providers, sign-in at them by OAuth 2, renewal of what expires.

mod catalogue;
pub mod oauth2;
mod provider;
mod realm;
pub mod renewal;
mod settled;

pub use catalogue::{Catalogue, UnknownProvider};
pub use provider::{
    Api, ClientProof, Evidence, Profile, ProfileMethod, Provider, Refresh, Retry, Revocation,
    RevocationReach, RevocationWay, Rotation, TokenBody,
};
pub use realm::Realm;
pub use settled::{Source, SourceError, Way};
