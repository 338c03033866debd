//! The keys of records: seal, verify and open.
//!
//! A stored record climbs through types: [`SealedText`] as read, verified inside, [`Credentials`] when opened.
//! Contracts: `spec/endo.md` 2.8 and 3 for format 1; RFC 7516 (JWE), RFC 8785 (canonical JSON) for format 2.

mod begun;
mod buffer;
mod called_secrets;
mod canonical;
mod clients;
mod contents;
mod credentials;
mod disclosed;
mod format1;
mod format2;
mod grant;
mod id_keys;
mod json_text;
mod jwe;
mod key;
mod key_text;
mod node_base64;
mod owner_digest;
mod owner_id;
mod owners;
mod pass;
mod record;
mod rekey;
mod remembered;
mod reseal;
mod ring;
mod sealer;
mod secret;
mod strongroom;

pub use canonical::canonicalize;
pub use clients::Clients;
pub use contents::{Contents, Format, SealError, Sealed};
pub use credentials::Credentials;
pub use disclosed::{Disclosed, disclose_to_handler};
pub use grant::Grant;
pub use id_keys::IdKeys;
pub use json_text::stringify;
pub use key::{KeyError, PrivateKey};
pub use owner_digest::OwnerDigest;
pub use owner_id::{NotAResourceOwnerId, ResourceOwnerId};
pub use owners::{Owner, Owners};
pub use pass::Pass;
pub use record::{RecordError, SealedText};
pub use rekey::{Management, Need, RekeyError};
pub use remembered::RememberSettings;
pub use reseal::{Replacement, ResealError};
pub use ring::KeyRing;
pub use secret::{NotASecret, SecretMap, SecretText};
pub use strongroom::Vault;
