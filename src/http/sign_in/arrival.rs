//! The page where people begin, the link of the terminal, and the way out.

use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::NextPage;
use super::bus::start;
use super::give_back::give_back;
use crate::bus::{BusProvider, Login, form};
use crate::console::{self, Once, SignIn};
use crate::http::Body;
use crate::http::entrance::Entrance;
use crate::http::page::{led_on, page, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Admission, Browser, Fields, OneTimeLinks, Session, unavailable};
use crate::vault::Pass;

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
pub(in crate::http) async fn ask(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let query: Vec<_> = form::pairs(request.query_string()).collect();
    let one = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let next = NextPage::parse(one("next").unwrap_or_default());
    if let Some(link) = one("once") {
        return at_link(&request, &door, link, &next).await;
    }
    if Session::find(&request, &door).await?.is_some() {
        return Ok(see_other(next.as_str()));
    }
    let entrance = door.entrance()?;
    let keeps = entrance.is_kept_by(&Browser::of(&request));
    let note = NOTES.iter().find(|(name, _)| one(name).is_some()).copied();
    let note = match note {
        _ if !keeps => Some(console::NOT_KEPT_HERE),
        Some((OUT, _)) if entrance.bus.as_ref().is_some_and(BusProvider::may_know_longer) => {
            Some(OUT_HERE_ALONE)
        }
        note => note.map(|(_, note)| note),
    };
    let start = start(entrance.bus.as_ref(), &next);
    let begin_at = begin_at(&request, &entrance.service_url);
    let ways = SignIn {
        bus: start.as_deref(),
        then_at: entrance.sends_to_the_api(&next).then_some(&*entrance.api),
        prints_link: entrance.links.is_some(),
        note,
        begin_at: begin_at.as_deref(),
    };
    Ok(page(StatusCode::OK, console::sign_in(&ways)))
}

/// Where a browser begins that knows the gateway by another address, as far as proxies pass on what it asks.
fn begin_at(request: &HttpRequest, service_url: &str) -> Option<String> {
    (!Browser::of(request).knows_us_as(service_url))
        .then(|| format!("{}{}", service_url.trim_end_matches('/'), request.uri()))
}

/// The button that uses the terminal's link up, or that it signs nobody in.
async fn at_link(request: &HttpRequest, door: &FrontDoor, link: &str, next: &NextPage) -> Answer {
    let entrance = door.entrance()?;
    let is_good = |links: &&OneTimeLinks| Pass::parse(link).is_some_and(|pass| links.is_good(&pass));
    if let Some(links) = entrance.links.as_ref().filter(is_good) {
        first_owner(entrance, links).await?;
        let begin_at = begin_at(request, links.opened_at());
        let once = Once {
            link,
            next: next.as_str(),
            begin_at: begin_at.as_deref(),
            is_kept: entrance.is_kept_by(&Browser::of(request)),
        };
        return Ok(page(StatusCode::OK, console::once(&once)));
    }
    let is_signed_in = Session::find(request, door).await?.is_some();
    let markup = console::link_over(is_signed_in, &next.after("/sign-in"));
    Ok(page(Kind::NotAllowed.status(), markup))
}

/// Whom the link signs in. Where the bus does not know them, it signs nobody in, and is not used up for that.
async fn first_owner(entrance: &Entrance, links: &OneTimeLinks) -> Result<Login, Problem> {
    let unknown = || Problem::new(Kind::NotAllowed, console::OWNER_UNKNOWN);
    let login = links.owner().ok_or_else(unknown)?;
    let is_known = entrance.credentials.authenticate(&login).await?;
    is_known.then_some(login).ok_or_else(unknown)
}

/// `POST /sign-in`: uses the terminal's link up.
pub(in crate::http) async fn enter(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let browser = Browser::of(&request);
    let fields = Fields::read(&body)?;
    let refused = || Problem::new(Kind::NotAllowed, console::LINK_OVER);
    if !browser.may_be_ours {
        return Err(Problem::new(
            Kind::NotAllowed,
            "That form was not one of this gateway's; nothing was done",
        ));
    }
    if !entrance.is_kept_by(&browser) {
        return Err(Problem::new(Kind::NotAllowed, console::NOT_KEPT_HERE));
    }
    let links = entrance.links.as_ref().ok_or_else(refused)?;
    let link = Pass::parse(fields.one("once")).filter(|link| links.is_good(link)).ok_or_else(refused)?;
    let login = first_owner(entrance, links).await?;
    if !links.use_up(&link) {
        return Err(refused());
    }
    // The owner's own token, which programs use as well.
    let begun = entrance.sessions.begin(Admission::Own(&login), browser.session.clone()).await;
    let begun = begun.map_err(|error| unavailable(&error))?;
    give_back(entrance, begun.before).await;
    let next = NextPage::parse(fields.one("next"));
    let mut answer = match entrance.sends_to_the_api(&next) {
        true => led_on(next.as_str(), &entrance.api),
        false => see_other(next.as_str()),
    };
    answer.headers_mut().append(SET_COOKIE, browser.keep_session(&begun.pass));
    Ok(answer)
}

/// `POST /sign-out`: ends the session, what was begun in it, what the bus granted for it, and what the page of the bus in
/// this process knows of its owner; where it is over, that is done.
pub(in crate::http) async fn leave(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let Some(session) = Session::find(&request, &door).await? else { return Ok(see_other("/sign-in?out")) };
    session.read_form(&request, &body)?;
    let entrance = door.entrance()?;
    let granted = entrance.sessions.end(&session.pass).await.map_err(|error| unavailable(&error))?;
    give_back(entrance, granted).await;
    let mut answer: HttpResponse = see_other("/sign-in?out");
    for forgotten in Browser::of(&request).sign_out() {
        answer.headers_mut().append(SET_COOKIE, forgotten);
    }
    Ok(answer)
}
