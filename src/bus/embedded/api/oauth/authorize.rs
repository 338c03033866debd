//! `/authorize`: a client asks, a person answers.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::super::answer::Answer;
use super::super::body::Body;
use super::super::presented::login;
use super::super::server::Door;
use super::super::waiting::Asking;
use super::browser::Browser;
use super::flaw::misaddressed;
use super::open_device;
use super::page::{self, Note};
use super::redirect;
use crate::bus::embedded::BusError;
use crate::bus::embedded::oauth::{AuthorizationRequest, Flaw, NoSignIn, Reason, SignInId, SignedIn, Ticket};
use crate::bus::form;
use crate::negotiation::is_browser;
use crate::store::Account;

/// A request, and who sees it.
struct Visit {
    request: AuthorizationRequest,
    signed_in: Option<SignedIn>,
    has_consented: bool,
}

/// The question, or its answer where the device has given it before.
pub(in super::super) async fn ask(door: Data<Door>, http: HttpRequest) -> Answer {
    let browser = Browser::of(&http, door.known_as.as_ref());
    let visit = match visit(&door, &browser, &http).await? {
        Ok(visit) => visit,
        Err(flaw) => return Ok(flawed(&browser, &http, flaw)),
    };
    let _seated = door.seat(Asking::of(&http, None)).await?;
    match visit.signed_in {
        Some(signed_in) if !signed_in.open.lists.is_empty() => {
            let Some(id) = &browser.id else { return Ok(page::stale(&visit.request)) };
            let ticket = Ticket::of(id, &visit.request);
            Ok(open_device::page(&visit.request, &ticket, &signed_in))
        }
        Some(signed_in) if visit.has_consented => grant(&door, &browser, signed_in, visit.request).await,
        Some(signed_in) => {
            let Some(id) = &browser.id else { return Ok(page::stale(&visit.request)) };
            let ticket = Ticket::of(id, &visit.request);
            Ok(page::consent(&visit.request, &ticket, &signed_in))
        }
        None => Ok(sign_in_form(&door, &browser, &visit.request, None)),
    }
}

/// What a person answers: signs in, says yes or no, or wants to be another device.
pub(in super::super) async fn answer(door: Data<Door>, http: HttpRequest, body: Body) -> Answer {
    let browser = Browser::of(&http, door.known_as.as_ref());
    let Visit { request, signed_in, .. } = match visit(&door, &browser, &http).await? {
        Ok(visit) => visit,
        Err(flaw) => return Ok(flawed(&browser, &http, flaw)),
    };
    let fields = body.members();
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let fits = |id: &&SignInId| browser.may_be_ours && Ticket::fits(field("ticket"), id, &request);
    let Some(id) = browser.id.clone().as_ref().filter(fits).cloned() else {
        return Ok(page::stale(&request));
    };
    let _seated = door.seat(Asking::of(&http, None)).await?;
    match (field("answer"), signed_in) {
        ("deny", _) => Ok(redirect::declined(&browser, &request.decline(Reason::Denied))),
        ("close", Some(signed_in)) => {
            let account = Account::Of(signed_in.device.clone());
            let close =
                door.bus.change_for(account, move |bus, transaction| bus.close_own(transaction, &signed_in));
            close.await?;
            Ok(redirect::asked_again(&request))
        }
        ("allow", Some(signed_in)) if signed_in.open.lists.is_empty() => {
            grant(&door, &browser, signed_in, request).await
        }
        ("sign-in", _) => sign_in(&door, &browser, &request, &fields).await,
        ("leave", _) => {
            door.bus
                .change_for(Account::Nobody, move |bus, transaction| bus.sign_out(transaction, &id))
                .await?;
            Ok(redirect::asked_again(&request))
        }
        _ => Ok(redirect::asked_again(&request)),
    }
}

async fn visit(door: &Door, browser: &Browser, http: &HttpRequest) -> Result<Result<Visit, Flaw>, BusError> {
    let parameters = form::parse(http.query_string());
    let id = browser.id.clone();
    let look = door.look(Asking::of(http, None), move |bus, view| {
        let request = match AuthorizationRequest::parse(view, &parameters)? {
            Ok(request) => request,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let signed_in = id.map(|id| bus.signed_in(view, &id)).transpose()?.flatten();
        let consent = signed_in.as_ref().map(|signed_in| bus.has_consented(view, signed_in, &request));
        let has_consented = consent.transpose()?.unwrap_or(false);
        Ok(Ok(Visit { request, signed_in, has_consented }))
    });
    look.await
}

fn flawed(browser: &Browser, http: &HttpRequest, flaw: Flaw) -> HttpResponse {
    match flaw {
        Flaw::Misaddressed(why) if is_browser(http.headers()) => page::misaddressed(why),
        Flaw::Misaddressed(why) => misaddressed(why),
        Flaw::Declined(decline) => redirect::declined(browser, &decline),
    }
}

async fn grant(door: &Door, browser: &Browser, signed_in: SignedIn, request: AuthorizationRequest) -> Answer {
    let account = Account::Of(signed_in.device.clone());
    let granted = door.bus.change_for(account, move |bus, transaction| {
        let code = bus.grant(transaction, &signed_in, &request)?;
        Ok((code, request))
    });
    let (code, request) = granted.await?;
    Ok(redirect::granted(browser, &request, &code))
}

async fn sign_in(
    door: &Door,
    browser: &Browser,
    request: &AuthorizationRequest,
    fields: &Map<String, Value>,
) -> Answer {
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let again = |note| sign_in_form(door, browser, request, Some(Again { note, uuid: field("uuid") }));
    let Some(login) = login(field("uuid"), field("token")) else { return Ok(again(Note::Wrong)) };
    match door.bus.sign_in(login, browser.peer).await {
        Ok(id) => {
            let mut answer = redirect::asked_again(request);
            answer.headers_mut().insert(SET_COOKIE, browser.keep(&id));
            Ok(answer)
        }
        Err(NoSignIn::TooOften) => Ok(again(Note::TooOften)),
        Err(NoSignIn::Bus(BusError::Forbidden)) => Ok(again(Note::Wrong)),
        Err(NoSignIn::Bus(error)) => Err(error.into()),
    }
}

/// Why the form is shown once more, and what was typed into it.
struct Again<'a> {
    note: Note,
    uuid: &'a str,
}

fn sign_in_form(
    door: &Door,
    browser: &Browser,
    request: &AuthorizationRequest,
    again: Option<Again<'_>>,
) -> HttpResponse {
    let (note, uuid) = again.map_or((None, ""), |again| (Some(again.note), again.uuid));
    let id = browser.id.clone().unwrap_or_else(|| SignInId::fresh(&door.bus.random));
    let ticket = Ticket::of(&id, request);
    let mut answer = page::sign_in(request, &ticket, note, uuid);
    if browser.id.is_none() {
        answer.headers_mut().insert(SET_COOKIE, browser.keep(&id));
    }
    answer
}
