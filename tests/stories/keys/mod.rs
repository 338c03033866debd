//! Keys come and go; records move from one to the next while everything goes on.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asking;
mod beside_sign_ins;
mod changing;
mod forgotten;
mod killed;
mod migrating;
mod missing;
mod terminal;
mod typing;
mod worked_out;

use endo::config::Config;
use endo::credentials::Account;
use endo::gateway::{Ambient, Gateway};
use endo::message::{DeviceUuid, Parties};
use endo::vault::SecretText;
use std::path::Path;

use crate::support::account::octocat;

/// A gateway on this directory, without listeners.
async fn open(directory: &Path) -> Gateway {
    let config = Config { data_dir: directory.to_owned(), ..Config::default() };
    Gateway::open(config, Ambient::system()).await.unwrap()
}

fn secret(account: i64) -> String {
    format!("canary-secret-{account}")
}

async fn keep(gateway: &Gateway, account: i64, owner: &DeviceUuid) -> DeviceUuid {
    let account = Account {
        username: Some(format!("account {account}")),
        refresh_token: Some(SecretText::from("canary-refresh")),
        ..octocat(account, &secret(account), owner.as_str())
    };
    gateway.credentials.keep(account).await.unwrap()
}

/// Credentials of this account, and a user device that may use them.
async fn account(gateway: &Gateway, account: i64) -> Parties {
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    let credentials = keep(gateway, account, &owner).await;
    let new = gateway.user_device(None, owner, "http://127.0.0.1:8080").await.unwrap();
    let user_device = gateway.credentials.bind(credentials.clone(), new).await.unwrap().uuid;
    Parties { sender: "flow".into(), user_device, credentials }
}

/// What a job of this user device gets.
async fn opened(gateway: &Gateway, parties: &Parties) -> String {
    let record = gateway.credentials.open(parties).await.unwrap();
    gateway.credentials.usable(parties, record).await.unwrap().secret().expose().to_owned()
}
