//! Doing what the command line asks, on the gateway that has the data directory.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::error::sentence;
use super::operation::{
    AddedDevice, Addresses, Answer, HandedSecret, Letter, LetterRow, LetterRows, NewCredentials, NewDevice,
    Operation, OperationError,
};
use super::{doctor, on_credentials, on_devices, on_keys};
use crate::bus::meshblu::MeshbluError;
use crate::credentials::{Account, CredentialsError, EverybodysDevice};
use crate::gateway::{Gateway, OwnerStanding};
use crate::http::OneTimeLinks;
use crate::message::{DeliveryId, DeviceUuid};
use crate::paging::Page;
use crate::source::Way;
use crate::store::{DeadLetter, DeadLetterEntry, StoreError, Transaction, View, Work};
use crate::vault::{ResourceOwnerId, SecretText};

/// The most dead letters that are listed at once.
const LETTERS: usize = 100;
/// The most credentials devices that are named to choose among.
pub(super) const CHOICES: usize = 20;

/// Whoever has a data directory, and does there what is asked for.
pub(super) struct Holder {
    pub(super) gateway: Gateway,
    /// Where the gateway listens, or would.
    pub(super) addresses: Addresses,
    /// The links that sign the first owner in, where there are any.
    pub(super) links: Option<OneTimeLinks>,
}

impl Holder {
    /// Does the operation to its end.
    pub(super) async fn perform(&self, operation: Operation) -> Answer {
        match self.done(operation).await {
            Err(OperationError::UnknownCredentials(named)) => {
                Err(on_credentials::unknown(&self.gateway, named).await)
            }
            answer => answer,
        }
    }

    async fn done(&self, operation: Operation) -> Answer {
        let Self { gateway, addresses, links } = self;
        match operation {
            Operation::Locate => to_value(addresses),
            Operation::AddCredentials(new) => to_value(&add_credentials(gateway, new).await?),
            Operation::AddDevice(new) => to_value(&add_device(gateway, new, addresses).await?),
            Operation::ListDevices => to_value(&on_devices::list(gateway).await?),
            Operation::RevokeDevice(uuid) => to_value(&on_devices::revoke(gateway, uuid).await?),
            Operation::RevokeAllDevices(uuid) => to_value(&on_credentials::cut_off_all(gateway, uuid).await?),
            Operation::ListCredentials => to_value(&on_credentials::list(gateway).await?),
            Operation::ShowCredentials(uuid) => to_value(&on_credentials::show(gateway, uuid).await?),
            Operation::WeighForgetting(uuid) => to_value(&on_credentials::at_stake(gateway, uuid).await?),
            Operation::ForgetCredentials(uuid) => to_value(&on_credentials::forget(gateway, uuid).await?),
            Operation::CatchUp(receipt) => to_value(&on_credentials::caught_up(gateway, receipt).await?),
            Operation::ListReceipts(which) => to_value(&on_credentials::receipts(gateway, which).await?),
            Operation::MakeSignInLink => to_value(&sign_in_link(gateway, links.as_ref()).await?),
            Operation::IsBusElsewhere => to_value(&gateway.bus.meshblu().is_some()),
            Operation::ListKeys => to_value(&on_keys::list(gateway).await?),
            Operation::RotateKey => to_value(&on_keys::rotate(gateway).await?),
            Operation::MigrateRecords(after) => to_value(&on_keys::migrate(gateway, after).await?),
            Operation::ListDeadLetters(before) => to_value(&letter_rows(gateway, before).await?),
            Operation::ShowDeadLetter(id) => to_value(&Letter::from(letter(gateway, id).await?)),
            Operation::ReplayDeadLetter(id) => to_value(&replay(gateway, id).await?),
            Operation::Examine => to_value(&doctor::examine(gateway, addresses).await?),
            Operation::Mend(change) => doctor::mend(gateway, change).await,
        }
    }
}

fn to_value(answer: &impl Serialize) -> Answer {
    serde_json::to_value(answer).map_err(failed)
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        failed(error)
    }
}

impl From<CredentialsError> for OperationError {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Meshblu(MeshbluError::Call(_)) => Self::BusSilent(sentence(&error)),
            error => failed(error),
        }
    }
}

/// What the operator is told of it.
pub(super) fn failed(error: impl std::error::Error) -> OperationError {
    OperationError::Failed(sentence(&error))
}

pub(super) async fn read<T: Send + 'static>(
    gateway: &Gateway,
    look: impl FnOnce(&View<'_>) -> Result<T, OperationError> + Send + 'static,
) -> Result<T, OperationError> {
    gateway.store.read(look).await
}

/// A new link; none where it would sign nobody in.
async fn sign_in_link(gateway: &Gateway, links: Option<&OneTimeLinks>) -> Result<String, OperationError> {
    let links = links.ok_or(OperationError::NoLinks)?;
    match gateway.owner_standing().await.map_err(failed)? {
        Some(OwnerStanding::Known) => Ok(links.make()),
        _ => Err(OperationError::OwnerUnknown),
    }
}

async fn add_credentials(gateway: &Gateway, new: NewCredentials) -> Result<DeviceUuid, OperationError> {
    let secret = handed_over(&new.secret, OperationError::NoSecret)?;
    let refresh_token = new.refresh_token.map(|token| handed_over(&token, OperationError::NoRefreshToken));
    let id = resource_owner(new.id)?;
    let account = Account {
        id,
        username: new.username,
        secret,
        refresh_token: refresh_token.transpose()?,
        asked: None,
        lifetime: new.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds))),
        extras: Default::default(),
        owner: owner_of_credentials(gateway, new.owner).await?,
    };
    Ok(gateway.credentials.keep(account).await?)
}

fn handed_over(secret: &HandedSecret, missing: OperationError) -> Result<SecretText, OperationError> {
    match secret.expose().trim() {
        "" => Err(missing),
        text => SecretText::handed_over(text).map_err(|error| OperationError::BadSecret(error.to_string())),
    }
}

/// Digits are the integer that an API means by them, and text where they stand in quotes.
fn resource_owner(id: String) -> Result<ResourceOwnerId, OperationError> {
    match id.trim() {
        "" => Err(OperationError::NoId),
        // It would be another account than the one that signs in.
        trimmed if trimmed != id => Err(OperationError::BlanksAroundId(trimmed.to_owned())),
        _ => {
            let quoted = serde_json::from_str::<String>(&id).ok();
            match quoted.filter(|digits| ResourceOwnerId::of_integer(digits).is_ok()) {
                Some(digits) => Ok(ResourceOwnerId::Text(digits)),
                None => Ok(ResourceOwnerId::of_integer(&id).unwrap_or(ResourceOwnerId::Text(id))),
            }
        }
    }
}

/// The owner that was asked for, if there is such a device; else the first owner.
async fn owner(gateway: &Gateway, wanted: Option<DeviceUuid>) -> Result<DeviceUuid, OperationError> {
    let Some(wanted) = wanted else { return first_owner(gateway).await };
    // Whether a Meshblu has such a device is for that to say.
    if gateway.bus.meshblu().is_some() {
        return Ok(wanted);
    }
    let known = wanted.clone();
    let found = read(gateway, move |view| Ok(view.device(&known)?.is_some())).await?;
    if found { Ok(wanted) } else { Err(OperationError::UnknownOwner(wanted)) }
}

/// The same where not everybody has that device in their hands: anybody would own what it owns.
async fn owner_of_credentials(
    gateway: &Gateway,
    wanted: Option<DeviceUuid>,
) -> Result<DeviceUuid, OperationError> {
    let owner = owner(gateway, wanted).await?;
    match gateway.credentials.everybodys_device_here(&owner).await.map_err(failed)? {
        None => Ok(owner),
        Some(EverybodysDevice { lists, closing }) => {
            Err(OperationError::OpenOwner { owner, lists: lists.join(", "), closing })
        }
    }
}

async fn first_owner(gateway: &Gateway) -> Result<DeviceUuid, OperationError> {
    let owner = gateway.owner.as_ref().map(|owner| owner.uuid.clone()).ok_or(OperationError::NoOwner)?;
    let known = owner.clone();
    match read(gateway, move |view| Ok(view.device(&known)?.is_some())).await? {
        true => Ok(owner),
        false => Err(OperationError::FirstOwnerGone(owner)),
    }
}

async fn add_device(
    gateway: &Gateway,
    new: NewDevice,
    addresses: &Addresses,
) -> Result<AddedDevice, OperationError> {
    let credentials = credentials(gateway, new.credentials).await?;
    let owner = owner(gateway, new.owner).await?;
    let device = gateway.user_device(new.name, owner, &addresses.gateway).await?;
    let bound = gateway.credentials.bind(credentials.clone(), device).await.map_err(|error| match error {
        CredentialsError::NoRecord => OperationError::UnknownCredentials(credentials.clone()),
        error => error.into(),
    })?;
    Ok(AddedDevice { uuid: bound.uuid, credentials, status_device: bound.status_device })
}

/// The credentials device that was asked for, else the only one.
async fn credentials(gateway: &Gateway, wanted: Option<DeviceUuid>) -> Result<DeviceUuid, OperationError> {
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    let mut kept = match gateway.bus.meshblu() {
        Some(_) => gateway.credentials.kept(CHOICES).await?,
        None => read(gateway, |view| Ok(view.credentials_devices(CHOICES)?)).await?,
    };
    match kept.len() {
        0 => Err(match gateway.source.way {
            Way::OAuth2User(None) => OperationError::NoCredentials,
            _ => OperationError::NoneSignedIn,
        }),
        1 => Ok(kept.remove(0)),
        _ => Err(OperationError::SeveralCredentials(kept)),
    }
}

async fn letter_rows(gateway: &Gateway, before: Option<i64>) -> Result<LetterRows, OperationError> {
    let letters = read(gateway, move |view| Ok(view.dead_letters(before, LETTERS + 1)?)).await?;
    let Page { shown, next } = Page::of(letters, LETTERS, |letter| letter.seq);
    Ok(Page { shown: shown.into_iter().map(LetterRow::from).collect(), next })
}

async fn letter(gateway: &Gateway, id: DeliveryId) -> Result<DeadLetter, OperationError> {
    let wanted = id.clone();
    read(gateway, move |view| Ok(view.dead_letter(&wanted)?))
        .await?
        .ok_or(OperationError::UnknownDeadLetter(id))
}

async fn replay(gateway: &Gateway, id: DeliveryId) -> Result<LetterRow, OperationError> {
    let now = gateway.ambient.clock.now();
    let (job, webhook) =
        (Arc::clone(&gateway.job_bell), gateway.bus.embedded().map(|bus| bus.webhook_bell()));
    let change = move |transaction: &Transaction<'_>| {
        let letter = transaction.replay(&id, now)?.ok_or(OperationError::UnknownDeadLetter(id))?;
        let bell = if letter.delivery.work == Work::Job { Some(job) } else { webhook };
        transaction.after_commit(move || bell.iter().for_each(|bell| bell.notify_one()));
        Ok(LetterRow::from(letter.entry()))
    };
    gateway.store.write(change).await
}

impl From<DeadLetterEntry> for LetterRow {
    fn from(entry: DeadLetterEntry) -> Self {
        Self {
            fingerprint: entry.id.fingerprint(),
            id: entry.id,
            work: entry.work.as_str().to_owned(),
            device: entry.device,
            attempts: entry.attempts,
            died: entry.died_at.iso_seconds(),
            reason: entry.reason,
            answered: entry.is_answered,
        }
    }
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        Self {
            row: LetterRow::from(letter.entry()),
            accepted: letter.accepted_at.iso_seconds(),
            route: letter.delivery.route.as_deref().map_or(Value::Null, json),
            body: json(&letter.delivery.body),
            reply: letter.reply.as_deref().map_or(Value::Null, json),
            event: letter.delivery.event,
            refusal: letter.fate.refusal,
        }
    }
}
