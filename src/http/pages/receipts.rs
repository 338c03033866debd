//! `/console/receipts`: what was ended.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use crate::console::{self, Turning};
use crate::credentials::CredentialsError;
use crate::http::owners::listed_before;
use crate::http::page::page;
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::Session;

/// `GET /console/receipts`: of everything that the viewer owns, or owned when it was forgotten.
pub(in crate::http) async fn receipts(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let entrance = door.entrance()?;
    let before = listed_before(&request)?;
    let receipts = entrance.credentials.receipts_concerning(&session.owner, before).await?;
    let older = receipts.next.map(|id| format!("/console/receipts?before={id}"));
    let names = entrance.credentials.names_in(&receipts.shown, &session.owner).await;
    let names = names.map_err(CredentialsError::from)?;
    let list = console::ReceiptList {
        api: &entrance.api,
        names: &names,
        receipts: &receipts.shown,
        turning: Turning { newest: before.map(|_| "/console/receipts"), older: older.as_deref() },
    };
    Ok(page(StatusCode::OK, console::receipts(&session.viewer(), &list)))
}
