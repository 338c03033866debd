//! Signing in at the API: to it, back from it, and the secret is kept (`spec/endo.md` 2.6).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::keeping::kept;
use super::redeeming::{BoundFor, redeem};
use super::refusal::{came_back_wrong, flow_of, no_flow};
use super::typed;
use super::wish::Wish;
use crate::console;
use crate::egress::Url;
use crate::http::Body;
use crate::http::entrance::{Entrance, Way};
use crate::http::page::{found, is_browser, page_leading_to, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Fields, Flow, Purpose, Session};
use crate::message::DeviceUuid;
use crate::source::oauth2::OAuthClient;

/// What of a provider's answer counts.
const ANSWER: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

/// `GET /auth/api`: to the API, or to the page that takes its place. `credentials` names those that are to be signed in
/// again, `next` the page to see then.
pub(in crate::http) async fn begin(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let session = Session::of(&request, &door).await?;
    let entrance = door.entrance()?;
    let wish = Wish::of(&request);
    let Way::SignIn(client) = &entrance.way else {
        return typed::ask(&door, (&session, &wish)).await;
    };
    let client = client.as_ref().ok_or_else(|| unregistered(entrance))?;
    let browser = Browser::of(&request);
    let is_program = !browser.tells_who_led && !is_browser(request.headers());
    if browser.is_led_by_us || is_program {
        let purpose = wish.purpose(session.owner, browser.is_led_by_us);
        return Ok(depart(&request, &door, (client, purpose))?.by(found));
    }
    // A provider that remembers a consent answers at once, so a link elsewhere, in a page or a letter, could replace the
    // secret and renew a proof that nobody meant to give.
    let markup = console::go_on(&session.viewer(), (&entrance.api, &wish.path()));
    Ok(page_leading_to(StatusCode::OK, markup, entrance.leads_on_to().as_deref()))
}

/// The same by the button of the page in between, whose proof was read.
pub(super) fn begin_meant(
    (request, door): (&HttpRequest, &FrontDoor),
    (client, owner): (&OAuthClient, DeviceUuid),
    wish: Wish,
) -> Answer {
    Ok(depart(request, door, (client, wish.purpose(owner, true)))?.by(see_other))
}

/// Where the API is, and what the browser has to keep on its way.
struct Departure {
    url: Url,
    kept: Vec<HeaderValue>,
}

impl Departure {
    fn by(self, redirect: fn(&str) -> HttpResponse) -> HttpResponse {
        let mut answer = redirect(self.url.as_str());
        for kept in self.kept {
            answer.headers_mut().append(SET_COOKIE, kept);
        }
        answer
    }
}

fn depart(
    request: &HttpRequest,
    door: &FrontDoor,
    (client, purpose): (&OAuthClient, Purpose),
) -> Result<Departure, Problem> {
    let entrance = door.entrance()?;
    let settings = client.settings();
    let registered = settings.redirect_url.clone();
    let redirect_url = registered.unwrap_or_else(|| format!("{}auth/api/callback", entrance.service_url));
    let (Flow { pending, purpose }, pass) =
        entrance.flows.begin(&settings.browsers_go_to(), (redirect_url, purpose));
    let url = match purpose {
        Purpose::Account { credentials: Some(_), .. } => settings.begin_again(&pending),
        _ => settings.begin(&pending),
    };
    Ok(Departure { url, kept: Browser::of(request).depart(pending.state.expose(), &pass) })
}

/// `POST /auth/api/callback`: a page elsewhere sends no cookie with its form, so what it says goes on by GET.
pub(in crate::http) async fn forward(body: Body) -> Answer {
    let fields = Fields::read(&body)?;
    let mut back = Url::parse("http://localhost/auth/api/callback").expect("a fixed address");
    back.query_pairs_mut().extend_pairs(fields.iter().filter(|(name, _)| ANSWER.contains(name)));
    Ok(see_other(&format!("{}?{}", back.path(), back.query().unwrap_or_default())))
}

/// `GET /auth/api/callback`: keeps the secret of the account that the code stands for.
pub(in crate::http) async fn back(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let Way::SignIn(Some(client)) = &entrance.way else { return Err(unregistered(entrance)) };
    let browser = Browser::of(&request);
    let session = Session::of(&request, &door).await?;
    let provider = client.settings().browsers_go_to();
    let answer = (&*provider, request.query_string());
    // Somebody else who is signed in in this browser by now uses nothing up.
    let is_theirs =
        |purpose: &Purpose| matches!(purpose, Purpose::Account { owner, .. } if *owner == session.owner);
    let Flow { pending, purpose } = flow_of(&browser, answer, is_theirs, entrance).await?;
    let Purpose::Account { owner, credentials, next, is_meant } = purpose else {
        return Err(no_flow(entrance));
    };
    let code = client.settings().code(&pending, request.query_string(), door.clock.now());
    let code = code.map_err(|error| came_back_wrong(&error, entrance))?;
    let arrived = browser.arrive(pending.state.expose());
    let (client, at) = (client.clone(), Data::clone(&door));
    // The code is spent with this, so it goes on where the browser hangs up: nobody would know of the tokens.
    let redeeming = actix_web::rt::spawn(async move {
        let bound_for = BoundFor { owner, credentials, is_meant };
        redeem((&at, &client), (&code, &pending), bound_for).await
    });
    let device = redeeming.await.map_err(|_| interrupted())??;
    let mut answer: HttpResponse = kept(&request, (&device, next.as_deref()));
    answer.headers_mut().append(SET_COOKIE, arrived);
    Ok(answer)
}

fn interrupted() -> Problem {
    Problem::new(Kind::Unavailable, "Your sign-in was interrupted; begin again in a moment")
}

pub(super) fn unregistered(entrance: &Entrance) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!(
            "Nobody can sign in at {} here: its operator has to register this gateway there, and to set source.client_id \
             and source.client_secret",
            entrance.api
        ),
    )
}
