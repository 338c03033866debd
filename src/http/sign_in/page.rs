//! The page where people begin: the ways in.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::NextPage;
use super::{bus, link};
use crate::bus::{BusProvider, form};
use crate::console::{self, SignIn};
use crate::http::page::{page, see_other};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Session};

/// What the query holds for whoever signed out.
const OUT: &str = "out";
/// What they are told where the bus's own page may let whoever comes next in again unasked.
const OUT_HERE_ALONE: &str =
    "You are signed out. The bus may still know this browser: sign out there too, where others use it.";

/// Why somebody is here again, by what the query holds then.
const NOTES: [(&str, &str); 3] = [
    (OUT, "You are signed out."),
    ("denied", "You said no at the bus, so you are not signed in."),
    (
        "over",
        "Your sign-in was over when you pressed that button: nothing was done, and what you typed is not kept. Sign in, and \
         you are back at the page with the button.",
    ),
];

/// `GET /sign-in`: the ways in; with `once`, the button that uses the terminal's link up.
pub(in crate::http) async fn show(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let one = |name: &str| form::first(request.query_string(), name);
    let next = NextPage::parse(&one("next").unwrap_or_default());
    if let Some(link) = one("once") {
        return link::show(&request, &door, &link, &next).await;
    }
    if Session::find(&request, &door).await?.is_some() {
        return Ok(see_other(next.as_str()));
    }
    let entrance = door.entrance()?;
    let browser = Browser::of(&request);
    let keeps = entrance.is_kept_by(&browser);
    let note = NOTES.iter().find(|(name, _)| one(name).is_some()).copied();
    let note = match note {
        _ if !keeps => Some(console::NOT_KEPT_HERE),
        Some((OUT, _)) if entrance.bus.as_ref().is_some_and(BusProvider::may_know_longer) => {
            Some(OUT_HERE_ALONE)
        }
        note => note.map(|(_, note)| note),
    };
    let start = bus::start(entrance.bus.as_ref(), &next);
    let begin_at = browser.begins_at(&entrance.service_url, request.uri());
    let ways = SignIn {
        bus: start.as_deref(),
        then_at: entrance.sends_to_the_api(&next).then_some(&*entrance.api),
        prints_link: entrance.links.is_some(),
        note,
        begin_at: begin_at.as_deref(),
    };
    Ok(page(StatusCode::OK, console::sign_in(&ways)))
}
