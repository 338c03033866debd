//! Accounts at the API.

use endo::credentials::Account;
use endo::vault::{ResourceOwnerId, SecretText};

/// The account `octocat` that this owner proved control of, with a secret that nothing renews and whose life nobody knows.
pub(crate) fn octocat(id: i64, secret: &str, owner: &str) -> Account {
    Account {
        id: ResourceOwnerId::Number(id),
        username: Some("octocat".to_owned()),
        secret: SecretText::from(secret),
        refresh_token: None,
        asked: None,
        lifetime: None,
        extras: Default::default(),
        owner: owner.into(),
    }
}
