//! Keeping what somebody brought: the secret on its credentials device.

use std::error::Error;
use std::sync::Arc;

use super::becoming_owner::may_own;
use super::gone;
use crate::bus::Login;
use crate::console::strangers_text;
use crate::credentials::{Account, Again, Arrival, CredentialsError};
use crate::http::entrance::Entrance;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::message::DeviceUuid;
use crate::telemetry::with_causes;

/// What somebody is told whose account may have credentials that no key here opens.
const KEY_MISSING: &str = "Nothing was kept: some credentials here cannot be opened now, because a key of this gateway is missing, and this \
                           account may have some among them. Whoever runs the gateway puts the key back, or forgets them (`endo doctor` \
                           names both); then begin again";

/// What somebody brought.
pub(super) struct BroughtAccount {
    /// The account that they proved control of, with its secret.
    pub(super) account: Account,
    /// As whom they did.
    pub(super) login: Login,
    /// What its secret is until it is kept, where it came of a sign-in.
    pub(super) arrival: Option<Arc<Arrival>>,
    /// The credentials that are signed in again, which have to be those of the very account.
    pub(super) again: Option<Again>,
}

/// Why a secret is not kept.
pub(super) enum NotKept {
    /// It was to take the place of one that is not there any more.
    OtherSecret,
    Problem(Problem),
}

impl From<Problem> for NotKept {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<NotKept> for Problem {
    fn from(not_kept: NotKept) -> Self {
        match not_kept {
            NotKept::OtherSecret => Self::new(
                Kind::NotAllowed,
                "Somebody else gave these credentials another secret meanwhile; nothing was done",
            ),
            NotKept::Problem(problem) => problem,
        }
    }
}

/// Keeps what somebody brought; answers on which device. What is not kept ends at the API, so that nothing is changed.
pub(super) async fn keep(
    door: &FrontDoor,
    BroughtAccount { account, login, arrival, again }: BroughtAccount,
) -> Result<DeviceUuid, NotKept> {
    let (entrance, account) = (door.entrance()?, Arc::new(account));
    let kept = match may_own(entrance, &login, &account.id).await {
        Ok(()) => keep_secret(entrance, &account, again, arrival.clone()).await,
        Err(problem) => Err(problem.into()),
    };
    match (kept, arrival) {
        (Err(not_kept), Some(arrival)) => {
            let ends = entrance.credentials.give_up(arrival, Some(&account)).await;
            Err(Problem::from(not_kept).adding(&fate_at(&entrance.api, ends)).into())
        }
        (kept, _) => kept,
    }
}

async fn keep_secret(
    entrance: &Entrance,
    account: &Arc<Account>,
    again: Option<Again>,
    arrival: Option<Arc<Arrival>>,
) -> Result<DeviceUuid, NotKept> {
    let credentials = &entrance.credentials;
    if let Some(Again { device, .. }) = &again {
        are_theirs(entrance, device, account).await?;
    }
    match credentials.keep_brought(Arc::clone(account), again, arrival).await {
        Err(CredentialsError::OtherSecret) => Err(NotKept::OtherSecret),
        Err(CredentialsError::KeyMissing) => Err(key_missing().into()),
        kept => Ok(kept.map_err(|error| not_kept(&error))?),
    }
}

fn key_missing() -> Problem {
    Problem::new(Kind::Unavailable, KEY_MISSING)
}

/// That the device which is to have a secret of this account keeps one of it.
async fn are_theirs(entrance: &Entrance, device: &DeviceUuid, account: &Account) -> Result<(), Problem> {
    let credentials = &entrance.credentials;
    match credentials.is_of_account(device, &account.id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_theirs(entrance, device, account).await),
        Err(CredentialsError::Record(_))
            if credentials.keyless().has(device).await.map_err(CredentialsError::from)? =>
        {
            Err(key_missing())
        }
        Err(error) => Err(error.into()),
    }
}

/// Why a secret of this account is not kept on the device that was to have it.
async fn not_theirs(entrance: &Entrance, device: &DeviceUuid, account: &Account) -> Problem {
    match entrance.credentials.held(device.clone()).await {
        Ok(held) if !held.is_kept() => gone::problem(entrance),
        Ok(held) if held.elsewhere().is_some() => of_another_api(entrance),
        Ok(_) => of_another_account(entrance, account),
        Err(error) => error.into(),
    }
}

fn of_another_api(entrance: &Entrance) -> Problem {
    let text = format!(
        "These credentials are of another API than {}, so that no sign-in there is for them; nothing was changed. Whoever runs the \
         gateway ends them",
        entrance.api
    );
    Problem::new(Kind::NotAllowed, text)
}

fn of_another_account(entrance: &Entrance, account: &Account) -> Problem {
    let name = account.username.as_deref().and_then(strangers_text);
    let name = name.as_deref().unwrap_or("another account");
    Problem::new(
        Kind::NotAllowed,
        format!(
            "You signed in at {} as {name}, which is not the account of these credentials; nothing was changed. Sign out \
             there first, or choose the other account",
            entrance.api
        ),
    )
}

pub(super) fn not_kept(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error = with_causes(error), "a secret could not be kept");
    Problem::new(
        Kind::Unavailable,
        "Your sign-in worked, but its secret could not be kept; begin again in a moment",
    )
}

/// What becomes of the tokens of a sign-in that is not kept, as a sentence without its full stop.
pub(super) fn fate_at(api: &str, ends: bool) -> String {
    format!("At {api}, {}", fate_of_tokens(ends))
}

/// The same of the tokens that "it" gave, within a sentence.
pub(super) fn fate_of_tokens(ends: bool) -> &'static str {
    match ends {
        true => {
            "the tokens that it gave are ended, at once or as soon as it answers, unless credentials here use them, or may still be \
             renewed by them"
        }
        false => {
            "the tokens that it gave stay good until they end, or you end what this gateway may do in your account there"
        }
    }
}
