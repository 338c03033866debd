//! The code of a sign-in at the API becomes tokens, the tokens an account, and that is kept; or nothing is, and what the API
//! gave ends there.

use actix_web::web::Data;

use super::keeping::{BroughtAccount, fate_at, fate_of_tokens, keep, not_kept};
use crate::bus::Login;
use crate::credentials::{Account, Again};
use crate::http::entrance::Entrance;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::http::session::unavailable;
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthClient, OAuthError, Pending};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// A code of the API's.
pub(super) struct Code {
    pub(super) code: SecretText,
    /// What it was asked for with.
    pub(super) pending: Pending,
    /// Who will own the credentials of the account.
    pub(super) login: Login,
    /// Whose account it has to be.
    pub(super) credentials: Option<DeviceUuid>,
}

/// Keeps what this code brings; answers on which device. The API is not asked for anything while it is asked to end what
/// that may be. What it brings is on disk before anything else is asked.
pub(super) async fn redeem(
    door: Data<FrontDoor>,
    client: OAuthClient,
    Code { code, pending, login, credentials }: Code,
) -> Result<DeviceUuid, Problem> {
    let entrance = door.entrance()?;
    let arrival = entrance.credentials.arrival(credentials.as_ref()).await;
    let asked = entrance.credentials.asking().await.map_err(|error| unavailable(&error))?;
    let tokens = client.exchange(&code, &pending).await.map_err(|error| not_given(&error, entrance))?;
    let renews = tokens.refresh.as_ref().or(tokens.unusable_refresh.as_ref());
    let arrival = entrance.credentials.note_stray(arrival, &tokens.access, renews).await;
    let arrival =
        arrival.map_err(|unnoted| not_kept(&unnoted).adding(&fate_at(&entrance.api, unnoted.are_over)))?;
    if tokens.unusable_refresh.is_some() {
        return Err(unusable(entrance, entrance.credentials.give_up(arrival, None).await));
    }
    let account = match client.account(&tokens).await {
        Ok(account) => account,
        Err(error) => {
            let ends = entrance.credentials.give_up(arrival, None).await;
            return Err(of_nobody(&error, entrance, ends));
        }
    };
    let account = Account {
        id: account.id,
        username: account.username,
        secret: tokens.access,
        refresh_token: tokens.refresh,
        asked: Some(asked),
        lifetime: tokens.lifetime,
        extras: account.extras,
        owner: login.uuid.clone(),
    };
    let again = credentials.map(|device| Again { device, present: None });
    let brought = BroughtAccount { account, login, arrival: Some(arrival), again };
    Ok(keep(&door, brought).await?)
}

/// The API gave no tokens, as far as anybody knows.
fn not_given(error: &OAuthError, entrance: &Entrance) -> Problem {
    tracing::warn!(error = with_causes(error), "a sign-in at the API brought no tokens");
    let api = &entrance.api;
    match error {
        OAuthError::InvalidGrant { said, .. } => {
            let said = said.words().map(|words| format!(" ({words})")).unwrap_or_default();
            Problem::new(
                Kind::NotAllowed,
                format!(
                    "{api} does not take this sign-in any more{said}, perhaps because it was used already; begin again"
                ),
            )
        }
        OAuthError::Refused { .. } | OAuthError::Declined(_) => Problem::new(
            Kind::ProviderFailed,
            format!(
                "{api} gave this gateway nothing: {}. Where that is about your account, mend it there and begin again; else ask the \
                 operator to compare this gateway's registration there with the settings",
                error.words()
            ),
        ),
        error if error.left_untouched() => Problem::new(
            Kind::ProviderFailed,
            format!("{api} gave this gateway nothing. Begin again in a moment"),
        ),
        _ => Problem::new(
            Kind::ProviderFailed,
            format!(
                "{api} did not answer as it should; nothing was kept here. It may have made tokens that nobody has: what this \
                 gateway may do there can be looked at, and ended, in your account there. Begin again in a moment"
            ),
        ),
    }
}

/// The API gave tokens of which one cannot be used; whether they end there.
fn unusable(entrance: &Entrance, ends: bool) -> Problem {
    tracing::warn!("a sign-in at the API brought a refresh token that cannot be used");
    let (api, tokens) = (&entrance.api, fate_of_tokens(ends));
    Problem::new(
        Kind::ProviderFailed,
        format!(
            "{api} did not answer as it should; nothing was kept here, and {tokens}. Begin again in a moment"
        ),
    )
}

/// The API gave tokens and does not say whose they are; whether they end there.
fn of_nobody(error: &OAuthError, entrance: &Entrance, ends: bool) -> Problem {
    tracing::warn!(error = with_causes(error), "the API does not say whose tokens it gave");
    let api = &entrance.api;
    let what = match error {
        OAuthError::AccountId(_) => "did not say by an id whose account this is",
        _ => "did not say as it should whose account this is",
    };
    let tokens = fate_of_tokens(ends);
    let then = match error {
        OAuthError::AccountId(_) => "Ask the operator to look at source.profile_id",
        _ => "Begin again in a moment",
    };
    Problem::new(Kind::ProviderFailed, format!("{api} {what}; nothing was kept here, and {tokens}. {then}"))
}
