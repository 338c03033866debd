//! What owners of credentials end: a device's right, all rights, the secret, their own management.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::owners::{Owners, Visit};
use super::problem::{Kind, Problem};
use super::routes::Answer;
use super::server::FrontDoor;
use crate::ambient::in_words;
use crate::console::Again;
use crate::credentials::{CredentialsError, Cut, Owned, Revoker};
use crate::message::DeviceUuid;

/// How a program signs in so that it proves something.
const AS_BEARER: &str = "A program sends its login with the sign-in as `Authorization: Bearer`, the same text as after `Basic`: what \
                         a browser may repeat by itself proves nothing";

/// `DELETE /credentials/{uuid}/user-devices/{device}`: from the answer on, no message of the device opens anything.
pub(super) async fn cut_off(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let user_device = DeviceUuid::from(request.match_info().query("device"));
    if user_device == *visit.owned.device() {
        let text = "Cannot remove the credentials subscription to itself";
        return Err(Problem::new(Kind::NotAllowed, text));
    }
    cut(visit, Cut::One(user_device)).await
}

/// `DELETE /credentials/{uuid}/user-devices`: the same of all devices.
pub(super) async fn cut_off_all(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    cut(Visit::of(&request, &door).await?, Cut::All).await
}

async fn cut(visit: Visit<'_>, which: Cut) -> Answer {
    demand_proof_by_program(&visit).await?;
    let Visit { owners, caller, owned, .. } = visit;
    owners.credentials.cut_off(&owned, which, &Revoker::Owner(caller)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /credentials/{uuid}`: the secret is forgotten, and with it everything that it was good for.
pub(super) async fn forget(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    demand_proof_by_program(&visit).await?;
    let Visit { owners, caller, owned, .. } = visit;
    owners.credentials.forget(&owned, &Revoker::Owner(caller)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /credentials/{uuid}/owners/me`: the caller manages the credentials no more.
pub(super) async fn leave(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let gone = visit.owners.credentials.gone_owners(&visit.owned).await?;
    if visit.owned.has_one_owner(&gone) {
        return Err(last_owner(visit.owners, &visit.owned));
    }
    demand_proof_by_program(&visit).await?;
    let Visit { owners, caller, owned, .. } = visit;
    match owners.credentials.leave(&owned, &caller).await {
        Err(CredentialsError::LastOwner) => Err(last_owner(owners, &owned)),
        left => Ok(left.map(|()| HttpResponse::NoContent().finish())?),
    }
}

/// What the last owner is told, who cannot leave.
fn last_owner(owners: &Owners, owned: &Owned) -> Problem {
    let credentials = owned.device();
    let instead = match owners.ways_with(owned).end {
        true => "you can forget the secret instead".to_owned(),
        false => format!(
            "whoever runs the gateway can forget the secret instead, by `endo credentials forget {credentials}`"
        ),
    };
    Problem::new(Kind::LastOwner, format!("You are the last owner, and cannot leave; {instead}"))
}

/// The same as [`demand_proof`] of a program, which is told where signing in as it calls here would prove nothing.
async fn demand_proof_by_program(visit: &Visit<'_>) -> Result<(), Problem> {
    let signs_in = visit.owners.ways_with(&visit.owned).again == Again::SignIn;
    let is_in_vain = visit.may_be_repeated && signs_in;
    let demanded = demand_proof(visit.owners, &visit.caller.uuid, &visit.owned).await;
    demanded.map_err(|problem| match problem.kind() {
        Kind::ReauthenticationRequired if is_in_vain => problem.adding(AS_BEARER),
        _ => problem,
    })
}

/// Lets only those pass who lately proved control of the account: the bus alone does not vouch for that.
pub(super) async fn demand_proof(owners: &Owners, caller: &DeviceUuid, owned: &Owned) -> Result<(), Problem> {
    let credentials = owned.device();
    let age = owners.proof_age;
    if age.is_zero() {
        return Ok(());
    }
    if owners.credentials.is_proved(caller, credentials, age).await? {
        return Ok(());
    }
    let (seconds, span) = (age.as_secs(), in_words(age));
    let again = owners.ways_with(owned).again;
    let detail = match again {
        Again::Key => format!(
            "Post the present key to the link again, as the field `present` of a form, and repeat this within {span}"
        ),
        Again::SignIn => format!(
            "Sign in at the API again, as the account that these credentials are of, and repeat this within {span}"
        ),
        Again::Operator | Again::Never => format!(
            "This takes a sign-in at the API {} Whoever runs the gateway cuts a device off by \
             `endo devices revoke DEVICE`, and forgets the secret by `endo credentials forget {credentials}`",
            match again {
                Again::Never => "that these credentials are of, and this gateway is for another one.",
                _ => "and nobody can sign in there here.",
            }
        ),
    };
    let challenge = format!(
        "Bearer error=\"insufficient_user_authentication\", error_description=\"A sign-in at the API is required that \
         is not older than {span}\", max_age=\"{seconds}\""
    );
    let demand = Problem::new(Kind::ReauthenticationRequired, detail).challenging(challenge);
    let link = format!("{}auth/api?credentials={credentials}", owners.look.service_url);
    let is_possible = matches!(again, Again::SignIn | Again::Key);
    Err(if is_possible { demand.with("link", link.into()) } else { demand })
}
