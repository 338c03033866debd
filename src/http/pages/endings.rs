//! What owners end on a page: first what will stop working, then the end itself.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::visit::Visit;
use crate::console::{self, Ending, Question};
use crate::credentials::{Act, Cut, Receipt, Revoker};
use crate::http::Body;
use crate::http::endings::demand_proof;
use crate::http::page::{page, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Fields, Incoming, Session};
use crate::message::DeviceUuid;

/// `GET`: what will stop working, and the button; or that nothing can end, or the way to prove first whose account it is.
pub(in crate::http) async fn ask(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    // Before anything else is looked at: what is ended from here on, the button may have ended.
    let newest = newest_receipt(&visit).await?;
    let ending = ending(&request, &visit).await?;
    if matches!(ending, Ending::Leave) && visit.is_last_owner().await? {
        return Ok(last_owner(&visit, StatusCode::OK));
    }
    let devices = visit.user_devices().await?;
    if matches!(ending, Ending::CutOffAll) && devices.is_empty() {
        return Ok(nothing_to_cut_off(&visit));
    }
    if let Some(answer) = unproved(&visit, &ending, StatusCode::OK).await? {
        return Ok(answer);
    }
    let question = Question { ending: &ending, devices: &devices, newest };
    Ok(page(StatusCode::OK, console::confirm(&visit.viewer(), &visit.shown(), &question)))
}

/// `POST`: the end; whoever presses the button again is told what came of it.
pub(in crate::http) async fn end(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let fields = match session.receive(&door, &request, &body).await? {
        Incoming::Ours(fields) => fields,
        Incoming::Before(told) => return Ok(see_other(told.as_deref().unwrap_or("/console/receipts"))),
    };
    let visit = Visit::by(session.clone(), &request, &door).await;
    let ended = match visit {
        Ok(visit) => end_now(&request, &door, &visit, &fields).await,
        Err(problem) => Err(problem),
    };
    let told = match ended {
        Err(problem) if problem.kind() == Kind::NotFound => {
            let ended = ended_since(&request, &session, &door, &fields).await?;
            let is_over = |receipt: &&Receipt| matches!(receipt.act, Act::Forgotten | Act::Left);
            let told = ended.iter().find(is_over).or_else(|| done_before(&request, &ended));
            told.map(after).ok_or(problem)?
        }
        Err(problem) => return Err(problem),
        Ok(Ended::Told(told)) => told,
        Ok(Ended::Not(answer)) => return Ok(answer),
    };
    door.entrance()?.sessions.keep_outcome(session.key(&request, &body), &told).await;
    Ok(see_other(&told))
}

/// What pressing the button came to.
enum Ended {
    /// It is over, as this page tells.
    Told(String),
    /// Nothing ended.
    Not(HttpResponse),
}

async fn end_now(
    request: &HttpRequest,
    door: &FrontDoor,
    visit: &Visit<'_>,
    fields: &Fields,
) -> Result<Ended, Problem> {
    let ending = ending(request, visit).await?;
    if matches!(ending, Ending::Leave) && visit.is_last_owner().await? {
        return Ok(Ended::Not(last_owner(visit, Kind::LastOwner.status())));
    }
    if let Some(answer) = unproved(visit, &ending, StatusCode::UNAUTHORIZED).await? {
        return Ok(Ended::Not(answer));
    }
    let receipt = match run(visit, &ending).await {
        // The others left since the page was made that had the button.
        Err(problem) if problem.kind() == Kind::LastOwner => {
            return Ok(Ended::Not(last_owner(visit, problem.kind().status())));
        }
        receipt => receipt?,
    };
    match (ending, receipt) {
        (Ending::Leave, _) => Ok(Ended::Told(after_leaving(visit.owned.device()))),
        (_, Some(receipt)) => Ok(Ended::Told(after(&receipt))),
        (_, None) => {
            let ended = ended_since(request, &visit.session, door, fields).await?;
            let told = done_before(request, &ended).map(|receipt| Ended::Told(after(receipt)));
            Ok(told.unwrap_or_else(|| Ended::Not(nothing_to_cut_off(visit))))
        }
    }
}

/// Where the viewer sees what this receipt of theirs says.
fn after(receipt: &Receipt) -> String {
    let (uuid, id) = (&receipt.credentials, receipt.id);
    match receipt.act {
        Act::Forgotten => format!("/console?done={id}"),
        Act::Left => after_leaving(uuid),
        Act::CutOff | Act::CutOffAll | Act::Replaced => format!("/console/credentials/{uuid}?done={id}"),
    }
}

fn after_leaving(uuid: &DeviceUuid) -> String {
    format!("/console?left={uuid}")
}

/// The newest receipt of these credentials, whoever's; zero where there is none.
async fn newest_receipt(visit: &Visit<'_>) -> Result<i64, Problem> {
    let device = visit.owned.device().clone();
    let receipts = visit.owners.credentials.receipts(Some(device), None).await?;
    Ok(receipts.shown.first().map_or(0, |receipt| receipt.id))
}

/// What the viewer ended of the credentials in the path since the page with the button was made, the newest first. What
/// they ended before that, this button did not do.
async fn ended_since(
    request: &HttpRequest,
    session: &Session,
    door: &FrontDoor,
    fields: &Fields,
) -> Result<Vec<Receipt>, Problem> {
    let newest_then: i64 = fields.one(console::NEWEST_RECEIPT).parse().unwrap_or_default();
    let uuid = DeviceUuid::from(request.match_info().query("uuid"));
    let receipts = door.entrance()?.credentials.receipts(Some(uuid), None).await?;
    let is_own = |receipt: &Receipt| receipt.is_by(session.owner.as_str());
    let own = receipts.shown.into_iter().filter(is_own);
    Ok(own.take_while(|receipt| receipt.id > newest_then).collect())
}

/// The end among these that left nothing to cut off in the path.
fn done_before<'a>(request: &HttpRequest, ended: &'a [Receipt]) -> Option<&'a Receipt> {
    let device = DeviceUuid::from(request.match_info().query("device"));
    let is_of_all = last_step(request) == "cut-off-all";
    ended.iter().find(|receipt| {
        is_of_all && receipt.act == Act::CutOffAll || receipt.cut_off().any(|cut| *cut == device)
    })
}

fn nothing_to_cut_off(visit: &Visit<'_>) -> HttpResponse {
    page(StatusCode::OK, console::nothing_to_cut_off(&visit.viewer(), &visit.shown()))
}

fn last_owner(visit: &Visit<'_>, status: StatusCode) -> HttpResponse {
    page(status, console::last_owner(&visit.viewer(), &visit.shown()))
}

/// Which end the path names.
async fn ending(request: &HttpRequest, visit: &Visit<'_>) -> Result<Ending, Problem> {
    match &*last_step(request) {
        "cut-off" => Ok(Ending::CutOff(visit.user_device_in(request).await?)),
        "cut-off-all" => Ok(Ending::CutOffAll),
        "forget" => Ok(Ending::Forget),
        "leave" => Ok(Ending::Leave),
        _ => Err(Problem::nothing_here()),
    }
}

/// The end of the path.
fn last_step(request: &HttpRequest) -> String {
    let path = request.path().trim_end_matches('/').to_ascii_lowercase();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The page that asks for the proof, where it is wanted and missing.
async fn unproved(
    visit: &Visit<'_>,
    ending: &Ending,
    status: StatusCode,
) -> Result<Option<HttpResponse>, Problem> {
    match demand_proof(visit.owners, &visit.session.owner, &visit.owned).await {
        Ok(()) => Ok(None),
        Err(problem) if problem.kind() == Kind::ReauthenticationRequired => {
            let age = visit.owners.proof_age;
            let markup = console::prove_again(&visit.viewer(), &visit.shown(), ending, age);
            Ok(Some(page(status, markup)))
        }
        Err(problem) => Err(problem),
    }
}

async fn run(visit: &Visit<'_>, ending: &Ending) -> Result<Option<Receipt>, Problem> {
    let credentials = &visit.owners.credentials;
    let by = Revoker::Owner(visit.session.login.clone());
    Ok(match ending {
        Ending::CutOff(device) => {
            let device = DeviceUuid::from(device.uuid.as_str());
            credentials.cut_off(&visit.owned, Cut::One(device), &by).await?
        }
        Ending::CutOffAll => credentials.cut_off(&visit.owned, Cut::All, &by).await?,
        Ending::Forget => Some(credentials.forget(&visit.owned, &by).await?),
        Ending::Leave => {
            credentials.leave(&visit.owned, &visit.session.login).await?;
            None
        }
    })
}
