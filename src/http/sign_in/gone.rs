//! Credentials that somebody wants to sign in again, and that are not there, or not any more.

use actix_web::{HttpRequest, HttpResponse};

use super::wish::Wish;
use crate::console;
use crate::http::entrance::Entrance;
use crate::http::page::page;
use crate::http::problem::{Kind, Problem};
use crate::http::session::Session;
use crate::negotiation::is_browser;

/// Whether what somebody wants to sign in again is there.
pub(super) async fn is_there(entrance: &Entrance, wish: &Wish) -> Result<bool, Problem> {
    match &wish.credentials {
        Some(device) => Ok(entrance.credentials.is_kept(device).await?),
        None => Ok(true),
    }
}

/// What people see then, before they sign in for nothing.
pub(super) fn show(
    request: &HttpRequest,
    entrance: &Entrance,
    session: Option<&Session>,
) -> Result<HttpResponse, Problem> {
    match session.filter(|_| is_browser(request.headers())) {
        Some(session) => {
            let markup = console::not_there(&session.viewer(), &entrance.api);
            Ok(page(Kind::NotFound.status(), markup))
        }
        None => Err(problem(entrance)),
    }
}

/// The same, where there is no page for it.
pub(super) fn problem(entrance: &Entrance) -> Problem {
    let (api, start) = (&entrance.api, &entrance.service_url);
    Problem::new(
        Kind::NotFound,
        format!(
            "There is nothing to sign in again: these credentials are not here, or not any more, as where their secret was \
             forgotten. Nothing was kept. To connect {api} anew, begin at {start}auth/api"
        ),
    )
}
