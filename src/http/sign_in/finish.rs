//! The end of a sign-in: what was proved counts from then on, and nobody who knew the session before has a share in it.

use std::error::Error;

use actix_web::http::header::REFERRER_POLICY;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::NextPage;
use super::visitor::Visitor;
use crate::ambient::Timestamp;
use crate::http::page::see_other;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Proof, set_cookies};
use crate::message::DeviceUuid;
use crate::negotiation::is_browser;
use crate::telemetry::with_causes;
use crate::vault::Pass;

/// What somebody brought is kept.
pub(super) struct Kept<'a> {
    /// Who did.
    pub(super) visitor: &'a Visitor,
    /// On which device.
    pub(super) device: DeviceUuid,
    /// When they proved control of the account by that, if they did.
    pub(super) proved_at: Option<Timestamp>,
}

/// Notes the proof, and has the session go on under another pass, which this answer alone brings: browsers see the page that they
/// came from, or the credentials; programs are told their name.
///
/// # Errors
/// 503 where either cannot be kept: then neither is.
pub(super) async fn finish(
    request: &HttpRequest,
    door: &FrontDoor,
    kept: Kept<'_>,
    next: Option<&NextPage>,
) -> Answer {
    let pass = kept.prove(door).await?;
    let mut answer = answer(request, &kept.device, next);
    set_cookies(&mut answer, pass.map(|pass| Browser::of(request).keep_session(&pass)));
    Ok(answer)
}

impl Kept<'_> {
    async fn prove(&self, door: &FrontDoor) -> Result<Option<Pass>, Problem> {
        let entrance = door.entrance()?;
        let proof = self.proved_at.map(|at| Proof { credentials: self.device.clone(), at });
        match (self.visitor, proof) {
            (Visitor::InBrowser(session), proof) => {
                entrance.sessions.renew(session, proof).await.map_err(|error| not_noted(&error))
            }
            (Visitor::Program(login), Some(Proof { credentials, at })) => {
                let noted = entrance.credentials.note_proof(login.uuid.clone(), credentials, at).await;
                noted.map(|()| None).map_err(|error| not_noted(&error))
            }
            (Visitor::Program(_), None) => Ok(None),
        }
    }
}

fn not_noted(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error = with_causes(error), "a proof could not be noted");
    Problem::new(
        Kind::Unavailable,
        "Your sign-in worked and its secret is kept, but not when that was; sign in again before you end something",
    )
}

fn answer(request: &HttpRequest, device: &DeviceUuid, next: Option<&NextPage>) -> HttpResponse {
    if is_browser(request.headers()) {
        let home = format!("/console/credentials/{device}");
        return see_other(next.map_or(&home, NextPage::as_str));
    }
    HttpResponse::Created().insert_header((REFERRER_POLICY, "no-referrer")).json(json!({"uuid": device}))
}
