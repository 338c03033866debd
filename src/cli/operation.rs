//! What the command line asks of a gateway, in the form in which it travels over the local socket.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use super::doctor::Change;
use crate::credentials::Receipt;
use crate::legible::marked;
use crate::message::{DeliveryId, DeviceUuid};
use crate::paging::Page;

/// One thing to do, here or in the process that has the data directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Operation {
    /// Tell where the gateway listens: [`Addresses`].
    Locate,
    /// Keep credentials: the [`DeviceUuid`] of their credentials device.
    AddCredentials(NewCredentials),
    /// Bind a new user device: [`AddedDevice`].
    AddDevice(NewDevice),
    /// Every right: [`DeviceRows`].
    ListDevices,
    /// Cut a user device off: the [`DeviceRows`] it had.
    RevokeDevice(DeviceUuid),
    /// Cut off all that use these credentials: the [`Receipt`], where there were any.
    RevokeAllDevices(DeviceUuid),
    /// Every [`CredentialsRow`].
    ListCredentials,
    /// One [`CredentialsRow`] with its devices: [`Shown`].
    ShowCredentials(DeviceUuid),
    /// Tell what ends with a secret, as far as that is known: [`AtStake`].
    WeighForgetting(DeviceUuid),
    /// Forget a secret: the [`Receipt`].
    ForgetCredentials(DeviceUuid),
    /// Do what follows from what was ended, as far as others answer: the [`Receipt`] of this number, which says what came of it.
    CatchUp(i64),
    /// Some [`Receipts`](crate::credentials::Receipts).
    ListReceipts(WhichReceipts),
    /// Make a new link that signs the first owner in: the link.
    MakeSignInLink,
    /// Tell whether the bus is a Meshblu: a `bool`.
    IsBusElsewhere,
    /// Every [`KeyRow`].
    ListKeys,
    /// Make a new key that seals: [`NewKey`].
    RotateKey,
    /// Seal some records anew, those that come after this one: [`Migrated`].
    MigrateRecords(Option<DeviceUuid>),
    /// Some [`LetterRows`]: those before this place, or the newest.
    ListDeadLetters(Option<i64>),
    /// One [`Letter`].
    ShowDeadLetter(DeliveryId),
    /// Put a dead letter back to work: its [`LetterRow`].
    ReplayDeadLetter(DeliveryId),
    /// Every [`doctor`](super::doctor)'s check.
    Examine,
    /// Change the service device: nothing.
    Mend(Change),
}

impl Operation {
    /// Whether it may be the first that is done in a data directory: whoever keeps something wants it kept, and the doctor
    /// says what a new gateway lacks.
    pub(super) fn may_begin(&self) -> bool {
        matches!(self, Self::AddCredentials(_) | Self::Examine | Self::Mend(_))
    }
}

/// What an operation answers, or why it was not done.
pub(super) type Answer = Result<Value, OperationError>;

/// Where a gateway listens, as URLs without a slash at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Addresses {
    pub(super) gateway: String,
    pub(super) bus: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewCredentials {
    /// The account's id: digits are a number, anything else is text.
    pub(super) id: String,
    pub(super) username: Option<String>,
    pub(super) owner: Option<DeviceUuid>,
    pub(super) secret: HandedSecret,
    #[serde(default)]
    pub(super) refresh_token: Option<HandedSecret>,
    /// In seconds, from now on.
    #[serde(default)]
    pub(super) expires_in: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewDevice {
    /// Without it, the only credentials there are.
    pub(super) credentials: Option<DeviceUuid>,
    pub(super) owner: Option<DeviceUuid>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedDevice {
    pub(super) uuid: DeviceUuid,
    pub(super) credentials: DeviceUuid,
    pub(super) status_device: DeviceUuid,
}

/// Rights of user devices.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeviceRows {
    pub(super) rows: Vec<DeviceRow>,
    /// Why there may be more.
    pub(super) missing: Option<String>,
}

/// One user device's right to use credentials.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeviceRow {
    pub(super) uuid: DeviceUuid,
    pub(super) credentials: DeviceUuid,
    /// Absent where the device is gone from the bus.
    pub(super) owner: Option<String>,
    pub(super) name: Option<String>,
    /// Absent where another gateway made it.
    pub(super) bound: Option<String>,
    pub(super) revoked: Option<String>,
    /// Begun on a bus elsewhere, and without a right until whoever made it begins again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unfinished: bool,
    /// Gone from the bus in this process, by its owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
}

/// What is kept of one account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialsRow {
    pub(super) uuid: DeviceUuid,
    /// The account's id at the API.
    pub(super) account: Option<Value>,
    pub(super) username: Option<String>,
    pub(super) owners: Vec<DeviceUuid>,
    /// How many more there are whom the record shows only by a signature.
    pub(super) unnamed_owners: usize,
    /// 1 or 2; absent where the record cannot be read.
    pub(super) format: Option<u8>,
    /// The key that opens it; absent where none does.
    pub(super) key: Option<String>,
    /// How its secret stands, in the words of the pages, and why; or that nothing here opens it.
    pub(super) state: String,
    pub(super) devices: usize,
    pub(super) last_use: Option<String>,
}

/// One user device, as its owner sees it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRow {
    pub(super) uuid: DeviceUuid,
    pub(super) name: Option<String>,
    pub(super) owner: Option<DeviceUuid>,
    pub(super) bound: Option<String>,
    pub(super) last_message: Option<String>,
    pub(super) last_use: Option<String>,
    pub(super) errors: Option<usize>,
}

/// Which receipts are asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WhichReceipts {
    /// Those of these credentials; else those of all.
    pub(super) of: Option<DeviceUuid>,
    /// Those before this one; else the newest.
    pub(super) before: Option<i64>,
}

/// Everything about the credentials of one account, but for the secret.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) row: CredentialsRow,
    #[serde(rename = "userDevices")]
    pub(super) user_devices: Vec<UserRow>,
    /// Whoever shows them asks for them.
    #[serde(default)]
    pub(super) receipts: Vec<Receipt>,
}

/// What ends with a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AtStake {
    /// The account's id at the API.
    pub(super) account: Option<Value>,
    pub(super) username: Option<String>,
    /// How many devices use it; absent where the bus does not tell.
    pub(super) devices: Option<usize>,
}

/// The key that seals from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewKey {
    /// Its thumbprint (RFC 7638).
    pub(super) kid: String,
    pub(super) file: Option<PathBuf>,
}

/// A key, and who needs it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyRow {
    /// Its thumbprint (RFC 7638); absent where it is not here, and the records do not say which one it is.
    pub(super) kid: Option<String>,
    /// Absent where a setting holds it.
    pub(super) file: Option<PathBuf>,
    /// Whether new records are sealed with it.
    pub(super) seals: bool,
    /// Whether it is not here.
    pub(super) missing: bool,
    /// The credentials devices whose records need it.
    pub(super) needed_by: Vec<DeviceUuid>,
    /// Sealed copies that wait for the API, a day at most.
    pub(super) copies: usize,
}

/// What came of sealing some records anew.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Migrated {
    /// How many credentials devices there are.
    pub(super) all: usize,
    /// How many of them were looked at now.
    pub(super) seen: usize,
    /// How many of those were sealed anew.
    pub(super) sealed: usize,
    /// Those that stay as they are, and why.
    pub(super) kept: Vec<(DeviceUuid, String)>,
    /// Those that no key here opens.
    pub(super) closed: Vec<DeviceUuid>,
    /// Where to go on; absent at the end.
    pub(super) next: Option<DeviceUuid>,
}

/// Some dead letters, and the place of the last of them where there are older ones.
pub(super) type LetterRows = Page<LetterRow, i64>;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LetterRow {
    pub(super) id: DeliveryId,
    /// What the log calls it.
    pub(super) fingerprint: String,
    pub(super) work: String,
    pub(super) device: DeviceUuid,
    pub(super) attempts: u32,
    pub(super) died: String,
    pub(super) reason: String,
    /// Whether its job has answered: then the reply alone is sent again.
    pub(super) answered: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Letter {
    #[serde(flatten)]
    pub(super) row: LetterRow,
    pub(super) event: String,
    pub(super) accepted: String,
    pub(super) route: Value,
    pub(super) body: Value,
    /// The reply that was to be sent, where there was one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) reply: Value,
    /// What the bus said when it did not take the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<String>,
}

/// A secret that is handed to the gateway: wiped on drop, shown nowhere but on the way there.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct HandedSecret(Zeroizing<String>);

impl HandedSecret {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for HandedSecret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Serialize for HandedSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for HandedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Why an operation was not done; the text is for the operator.
#[derive(Debug, Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum OperationError {
    #[error("a blank cannot be an account's id")]
    NoId,
    #[error("an account's id has no blanks around it: write it as {0:?}")]
    BlanksAroundId(String),
    #[error("the secret is empty; give it on standard input")]
    NoSecret,
    #[error("there is no refresh token on the second line of standard input")]
    NoRefreshToken,
    #[error("on a Meshblu nobody is the owner by itself; name one with --owner")]
    NoOwner,
    #[error("there is no device {0} to be the owner")]
    UnknownOwner(DeviceUuid),
    #[error(
        "everybody on the bus may change the device {owner}, make tokens of it, or act as it (by {lists}), so that anybody would \
         own these credentials; send the bus PUT /v2/devices/{owner} with {closing} first, and end tokens of it that nobody knows"
    )]
    OpenOwner { owner: DeviceUuid, lists: String, closing: String },
    #[error("a secret that cannot be one was on standard input: {0}")]
    BadSecret(String),
    #[error("no credentials are kept yet: keep some by `endo credentials add`")]
    NoCredentials,
    #[error(
        "no credentials are kept yet: sign in at the API on the pages of the gateway, or keep some by `endo credentials add`"
    )]
    NoneSignedIn,
    #[error("several credentials are kept; choose with --credentials among {}", listed(.0))]
    SeveralCredentials(Vec<DeviceUuid>),
    #[error("{0} keeps no credentials")]
    UnknownCredentials(DeviceUuid),
    #[error("{name} keeps no credentials: it is the name of {}", credentials_of(.devices))]
    NameOfAccount { name: String, devices: Vec<DeviceUuid> },
    #[error("{0} keeps no credentials any more: `endo receipts --credentials {0}` says what became of them")]
    Forgotten(DeviceUuid),
    #[error("{0} is not a user device of this gateway; `endo devices ls` lists them")]
    UnknownDevice(DeviceUuid),
    #[error("there is no dead letter {}; `endo dead-letters ls` lists them", marked(.0.as_str()))]
    UnknownDeadLetter(DeliveryId),
    #[error(
        "this gateway signs nobody in by a link: others can reach it, or it has no first owner. Sign in with the bus, at its \
         page /sign-in"
    )]
    NoLinks,
    #[error(
        "the bus does not know the first owner by what owner.json says, so no link would sign anybody in; `endo doctor` says \
         what to do"
    )]
    OwnerUnknown,
    #[error(
        "the first owner {0} is gone from the bus: name another with --owner; `endo doctor` says how to have a new one"
    )]
    FirstOwnerGone(DeviceUuid),
    #[error("the gateway that runs does not understand this command: it may be another version")]
    NotUnderstood,
    #[error("{0}")]
    BusSilent(String),
    #[error("{0}")]
    Failed(String),
}

/// Names change hands at APIs, and uuids do not: whoever means the account says so by these.
fn credentials_of(devices: &[DeviceUuid]) -> String {
    match devices {
        [one] => format!("an account, whose credentials are kept by {one}; name that if you mean it"),
        all => {
            let all = listed(all);
            format!("several accounts, whose credentials are kept by {all}; name the one you mean")
        }
    }
}

fn listed(uuids: &[DeviceUuid]) -> String {
    uuids.iter().map(DeviceUuid::as_str).collect::<Vec<_>>().join(", ")
}
