//! Signing in with the bus, as the original does (`spec/endo.md` 2.6), with `state` bound to the browser.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::NextPage;
use super::coming_back::{Returning, came_back_wrong, flow_of};
use super::give_back::give_back;
use crate::bus::{BusProvider, Journey, NotSignedIn, form};
use crate::http::page::{found, see_other};
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Admission, Browser, Course, Flow, set_cookies, unavailable};
use crate::source::oauth2::{CallbackError, Denial, Provider};
use crate::telemetry::with_causes;

const CALLBACK: &str = "auth/octoblu/callback";
/// By the provider of whatever bus there is. Who signs in there need not be signed in here; whoever is may become somebody
/// else.
const OVER_THE_BUS: Course<'static> = Course { provider: "bus", line: None };

/// What a browser is sent to the bus for.
#[derive(Debug, Serialize, Deserialize)]
struct Purpose {
    next: NextPage,
    /// Whether it was begun on a page of the gateway, which says what comes next.
    is_meant: bool,
}

/// `GET /auth/octoblu`: to the bus's provider. Who says nothing else goes on to the API afterwards.
pub(in crate::http) async fn begin(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let provider = entrance.bus.as_ref().ok_or_else(not_set_up)?;
    let next = form::first(request.query_string(), "next");
    let next = NextPage::parse(next.as_deref().unwrap_or("/auth/api"));
    let redirect_url = format!("{}{CALLBACK}", entrance.service_url);
    let browser = Browser::of(&request);
    let purpose = Purpose { next, is_meant: entrance.led(&browser) };
    let (pending, pass) = entrance.flows.begin(OVER_THE_BUS, redirect_url, &purpose);
    let journey = Journey {
        state: pending.state.expose(),
        challenge: &pending.challenge(),
        redirect_url: &pending.redirect_url,
    };
    let mut answer = found(provider.start(journey).as_str());
    set_cookies(&mut answer, browser.keep_flow(pending.state.expose(), &pass));
    Ok(answer)
}

/// `GET /auth/octoblu/callback`: a new session of whoever the code stands for.
pub(in crate::http) async fn back(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let provider = entrance.bus.as_ref().ok_or_else(not_set_up)?;
    let browser = Browser::of(&request);
    let flow = flow_of(Returning::In(&browser), OVER_THE_BUS, request.query_string(), entrance).await?;
    let Flow::<Purpose> { pending, purpose } = flow;
    let named = Provider { is_issuer: |issuer: &str| provider.is_issuer(issuer), knows: &provider.secrets() };
    let code = match pending.code(request.query_string(), door.clock.now(), named) {
        Err(CallbackError::Denied { why: Denial::ByUser, .. }) => {
            return Ok(see_other("/sign-in?denied"));
        }
        code => code.map_err(|error| came_back_wrong(&error, entrance))?,
    };
    let code = Zeroizing::new(code.expose().to_owned());
    let granted = provider.redeem(code, &pending.redirect_url, pending.verifier.expose()).await;
    let granted = granted.map_err(|error| not_signed_in(&error))?;
    let begun = entrance.sessions.begin(Admission::Granted(&granted), browser.session.clone()).await;
    let begun = begun.map_err(|error| unavailable(&error))?;
    give_back(entrance, begun.before).await;
    // The bus led the browser here, so that it tells no more who did before.
    let mut answer = match (purpose.next.is_to_the_api(), purpose.is_meant) {
        (true, true) => see_other(&purpose.next.vouched(&entrance.flows.vouch(&begun.pass))),
        // The bus's pages may be at the gateway's own address, and would be taken for its own.
        (true, false) => see_other(&purpose.next.vouched("")),
        (false, _) => see_other(purpose.next.as_str()),
    };
    let cookies = [browser.keep_session(&begun.pass), browser.forget_flow(pending.state.expose())];
    set_cookies(&mut answer, cookies);
    Ok(answer)
}

/// Where people begin to sign in with the bus, to see `next` then.
pub(super) fn start(provider: Option<&BusProvider>, next: &NextPage) -> Option<String> {
    provider.map(|_| next.after("/auth/octoblu"))
}

fn not_set_up() -> Problem {
    let text = "Signing in with the bus is not set up here; the operator sets bus.oauth_url to the address of its OAuth \
                provider";
    Problem::new(Kind::NotFound, text)
}

fn not_signed_in(error: &NotSignedIn) -> Problem {
    tracing::warn!(error = with_causes(error), "a sign-in with the bus failed");
    match error {
        NotSignedIn::BadCode => Problem::new(
            Kind::NotAllowed,
            "The bus does not take this sign-in any more, perhaps because it was used already; begin again",
        ),
        _ => Problem::new(Kind::ProviderFailed, "The bus did not say who you are; try again in a moment"),
    }
}
