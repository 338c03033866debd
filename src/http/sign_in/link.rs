//! The one-time link that the terminal shows: the first owner's way in.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::NextPage;
use super::give_back::give_back;
use crate::bus::Login;
use crate::console::{self, Once};
use crate::http::Body;
use crate::http::entrance::Entrance;
use crate::http::page::{led_on, page, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Admission, Browser, Fields, OneTimeLinks, Session, set_cookies, unavailable};
use crate::vault::Pass;

/// The button that uses the terminal's link up, or that it signs nobody in.
pub(super) async fn show(request: &HttpRequest, door: &FrontDoor, link: &str, next: &NextPage) -> Answer {
    let entrance = door.entrance()?;
    let is_good = |links: &&OneTimeLinks| Pass::parse(link).is_some_and(|pass| links.is_good(&pass));
    if let Some(links) = entrance.links.as_ref().filter(is_good) {
        first_owner(entrance, links).await?;
        let browser = Browser::of(request);
        let begin_at = browser.begins_at(links.opened_at(), request.uri());
        let once = Once {
            link,
            next: next.as_str(),
            begin_at: begin_at.as_deref(),
            is_kept: entrance.is_kept_by(&browser),
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
    set_cookies(&mut answer, [browser.keep_session(&begun.pass)]);
    Ok(answer)
}
