//! What nobody needs any more ends where it came from: the bus's token of a session that is over, the API's of a sign-in
//! that is not kept.

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;

use crate::bus::Login;
use crate::credentials::Account;
use crate::http::entrance::{Entrance, Way};
use crate::telemetry::with_causes;

/// How long a browser waits for the bus, or the API.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has the bus end the token that it gave for a session that is over, where it gave one. Whatever comes of that, the
/// session is over.
pub(super) async fn give_back(entrance: &Entrance, granted: Option<Login>) {
    let (Some(bus), Some(login)) = (&entrance.bus, granted) else { return };
    let device = login.uuid.clone();
    let failed = |error: &(dyn Error + 'static)| {
        tracing::warn!(error = with_causes(error), device.uuid = %device, "the bus did not end the token of a session that is over");
    };
    match timeout(PATIENCE, bus.end(login)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// Has the API end the tokens of a sign-in that is not kept, where that leaves others of the account alone and no
/// credentials here hold them, as they do where they were kept although that could not be told. Whatever comes of that,
/// the sign-in came to nothing.
pub(super) async fn give_up(entrance: &Entrance, account: &Account) {
    let Way::SignIn(Some(client)) = &entrance.way else { return };
    if !client.settings().revokes_one_alone() {
        return;
    }
    let failed = |error: &(dyn Error + 'static)| {
        tracing::warn!(
            error = with_causes(error),
            "the API did not end the tokens of a sign-in that was not kept"
        );
    };
    let refresh = account.refresh_token.as_ref();
    let tokens: Vec<_> = refresh.into_iter().chain([&account.secret]).collect();
    match entrance.credentials.keep_any_of(&account.id, &tokens).await {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => return failed(&error),
    }
    match timeout(PATIENCE, client.revoke(&account.secret, refresh)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}
