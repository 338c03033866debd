//! Signing in at the API: to it, back from it, and the secret is kept (`spec/endo.md` 2.6).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::becoming_owner::may_begin;
use super::coming_back::{Returning, came_back_wrong, flow_of};
use super::finish::{Kept, finish};
use super::gone;
use super::next::VOUCHER;
use super::redeeming::{Code, redeem};
use super::visitor::Visitor;
use super::wish::Wish;
use crate::bus::form;
use crate::console;
use crate::egress::Url;
use crate::http::Body;
use crate::http::entrance::{Entrance, Way};
use crate::http::page::{found, led_on, page, see_other};
use crate::http::presented;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Course, Fields, Flow, Session, set_cookies};
use crate::negotiation::is_browser;
use crate::source::oauth2::{OAuthClient, Pending};
use crate::vault::Pass;

/// What of a provider's answer counts.
const ANSWER: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

/// The API, as somebody signs in at it.
pub(super) struct Api<'a> {
    entrance: &'a Entrance,
    client: &'a OAuthClient,
}

impl<'a> Api<'a> {
    /// The API of this entrance, where the gateway is `registered` there.
    ///
    /// # Errors
    /// 404 where it is not.
    pub(super) fn of(entrance: &'a Entrance, registered: &'a Option<OAuthClient>) -> Result<Self, Problem> {
        let client = registered.as_ref().ok_or_else(|| unregistered(entrance))?;
        Ok(Self { entrance, client })
    }

    /// Sends somebody there, or asks them whether they mean to go.
    pub(super) async fn begin(&self, request: &HttpRequest, visitor: &Visitor, wish: Wish) -> Answer {
        let entrance = self.entrance;
        if !gone::is_there(entrance, &wish).await? {
            return gone::show(request, entrance, visitor.session());
        }
        if wish.credentials.is_none() {
            may_begin(entrance, visitor.login()).await?;
        }
        let Visitor::InBrowser(session) = visitor else {
            // Nobody but whoever has its login sends that, unless a browser may repeat it: over plain HTTP many do not tell who
            // led here, so that it could be one that a page elsewhere leads.
            let is_meant = !presented::may_be_repeated(request.headers());
            return Ok(found(self.depart(visitor, &Intent { wish, is_meant }).url.as_str()));
        };
        let browser = Browser::of(request);
        let is_program = !browser.tells_who_led && !is_browser(request.headers());
        let is_meant = is_vouched(request, entrance, session).unwrap_or_else(|| entrance.led(&browser));
        if is_meant || is_program {
            let intent = Intent { wish, is_meant };
            return Ok(self.depart(visitor, &intent).by(found, &browser));
        }
        // A provider that remembers a consent answers at once, so a link elsewhere, in a page or a letter, could replace the
        // secret and renew a proof that nobody meant to give.
        let markup = console::go_on(&session.viewer(), &entrance.api, &wish.path());
        Ok(page(StatusCode::OK, markup))
    }

    /// The same by the button of the page in between, whose proof was read.
    pub(super) async fn go_on(&self, request: &HttpRequest, visitor: &Visitor, wish: Wish) -> Answer {
        let Some(session) = visitor.session() else {
            let text = "Nothing is typed in here: GET /auth/api leads a browser to the API";
            return Err(Problem::new(Kind::MethodNotAllowed, text).allowing("GET, HEAD, OPTIONS"));
        };
        // They may have been forgotten in another tab since the page with the button was made.
        if !gone::is_there(self.entrance, &wish).await? {
            return gone::show(request, self.entrance, Some(session));
        }
        let departure = self.depart(visitor, &Intent { wish, is_meant: true });
        Ok(departure.by(|url| led_on(url, &self.entrance.api), &Browser::of(request)))
    }

    fn depart(&self, visitor: &Visitor, intent: &Intent) -> Departure {
        let (entrance, settings) = (self.entrance, self.client.settings());
        let registered = settings.redirect_url.clone();
        let redirect_url = registered.unwrap_or_else(|| format!("{}auth/api/callback", entrance.service_url));
        let (provider, line) = (settings.browsers_go_to(), visitor.line());
        let course = Course { provider: &provider, line: Some(&line) };
        let (pending, pass) = match visitor {
            Visitor::Program(_) => entrance.flows.begin_for_program(course, redirect_url, intent),
            Visitor::InBrowser(_) => entrance.flows.begin(course, redirect_url, intent),
        };
        let url = match intent.wish.credentials {
            Some(_) => settings.begin_again(&pending),
            None => settings.begin(&pending),
        };
        Departure { url, pending, pass }
    }
}

/// Where a sign-in with the bus leads here, whether it was begun on a page of the gateway. A page elsewhere can begin one too,
/// but has nothing to show for it.
fn is_vouched(request: &HttpRequest, entrance: &Entrance, session: &Session) -> Option<bool> {
    let voucher = form::first(request.query_string(), VOUCHER);
    voucher.map(|voucher| entrance.flows.is_vouched(&session.pass, &voucher))
}

/// What somebody is sent to the API for.
#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    wish: Wish,
    /// Whether it was begun on a page of the gateway: only then does it prove anything.
    is_meant: bool,
}

/// Where the API is, and what the browser has to keep on its way.
struct Departure {
    url: Url,
    pending: Pending,
    pass: Pass,
}

impl Departure {
    fn by(self, redirect: impl FnOnce(&str) -> HttpResponse, browser: &Browser) -> HttpResponse {
        let mut answer = redirect(self.url.as_str());
        set_cookies(&mut answer, browser.keep_flow(self.pending.state.expose(), &self.pass));
        answer
    }
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
    let Way::SignIn(client) = &entrance.way else { return Err(nobody_comes_back(entrance)) };
    let Api { client, .. } = Api::of(entrance, client)?;
    let browser = Browser::of(&request);
    let visitor = Visitor::of(&request, &door).await?;
    let (provider, line) = (client.settings().browsers_go_to(), visitor.line());
    // Whoever else is signed in in this browser by now uses nothing up.
    let course = Course { provider: &provider, line: Some(&line) };
    let returning = visitor.session().map_or(Returning::Program, |_| Returning::In(&browser));
    let flow = flow_of(returning, course, request.query_string(), entrance).await?;
    let Flow { pending, purpose: Intent { wish, is_meant } } = flow;
    let code = client.settings().code(&pending, request.query_string(), door.clock.now());
    let again = |problem: Problem| problem.beginning_again_at(wish.path());
    let code = code.map_err(|error| again(came_back_wrong(&error, entrance)))?;
    let forgotten = browser.forget_flow(pending.state.expose());
    let code = Code { code, pending, login: visitor.login().clone(), credentials: wish.credentials.clone() };
    // The code is spent with this, so it goes on where the browser hangs up: nobody would know of the tokens.
    let redeeming = actix_web::rt::spawn(redeem(Data::clone(&door), client.clone(), code));
    let device = redeeming.await.map_err(|_| again(interrupted()))?.map_err(again)?;
    // Whoever hung up proves nothing: their browser would not have the pass that the proof takes.
    let proved_at = is_meant.then(|| door.clock.now());
    let kept = Kept { visitor: &visitor, device, proved_at };
    let finished = finish(&request, &door, kept, wish.next.as_ref()).await;
    let mut answer: HttpResponse = finished.map_err(again)?;
    set_cookies(&mut answer, visitor.session().map(|_| forgotten));
    Ok(answer)
}

/// No API is asked who somebody is.
fn nobody_comes_back(entrance: &Entrance) -> Problem {
    let (api, start) = (&entrance.api, &entrance.service_url);
    let text = format!(
        "Nobody is sent to {api} from here to sign in, so nobody comes back. Begin at {start}auth/api"
    );
    Problem::new(Kind::NotFound, text)
}

fn interrupted() -> Problem {
    Problem::new(Kind::Unavailable, "Your sign-in was interrupted; begin again in a moment")
}

fn unregistered(entrance: &Entrance) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!(
            "Nobody can sign in at {} here: its operator has to register this gateway there, and to set source.client_id \
             and source.client_secret",
            entrance.api
        ),
    )
}
