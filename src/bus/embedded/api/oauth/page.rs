//! The pages that people see at `/authorize`: HTML without scripts, images or anything from elsewhere.
//!
//! A client's image is not shown: loading it would tell whoever keeps it who looks at this page, and when.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::bus::embedded::oauth::{Attempts, AuthorizationRequest, Misaddressed, SignedIn, Ticket};

const BEGIN_AGAIN: &str =
    "Go back to where you came from and begin there again; if that does not help, tell whoever runs it.";
const STYLE: &str = include_str!("page.css");

/// Why somebody sees the sign-in form again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// The token is not one of the device's.
    Wrong,
    /// Too many tokens in a row were not.
    TooOften,
}

/// The beginning of every answer at `/authorize`.
pub(super) fn answer(status: StatusCode) -> HttpResponseBuilder {
    answer_about(status, "")
}

/// The beginning of a page about a request whose answer leads to an address of this scheme.
pub(super) fn answer_about(status: StatusCode, scheme: &str) -> HttpResponseBuilder {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let own = if scheme.contains('.') { format!(" {scheme}:") } else { String::new() };
    // Browsers hold a form to `form-action` on the whole way that its answer leads: to the client, and on from there.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' http: https:{own}; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"));
    answer
}

/// The form in which a device proves itself.
pub(super) fn sign_in(
    request: &AuthorizationRequest,
    ticket: &Ticket,
    note: Option<Note>,
    uuid: &str,
) -> HttpResponse {
    let (status, said) = match note {
        None => (StatusCode::OK, None),
        Some(Note::Wrong) => (
            StatusCode::FORBIDDEN,
            Some(
                "This device does not exist, or the token is not one of its own. Look at both, and sign in again.",
            ),
        ),
        Some(Note::TooOften) => (
            StatusCode::TOO_MANY_REQUESTS,
            Some(
                "Too many wrong tokens for this device. A right one signs you in; for others, wait a minute.",
            ),
        ),
    };
    let body = html! {
        p.soft { "Sign in as the device you act as on this bus. The token stays here: it is not shown to the client." }
        @if let Some(said) = said { p.alarm role="alert" { (said) } }
        (form(request, ticket, &credentials(uuid)))
    };
    let mut answer = answer_about(status, request.target.scheme());
    if note == Some(Note::TooOften) {
        answer.insert_header((RETRY_AFTER, Attempts::WINDOW.as_secs()));
    }
    whole(answer, &format!("Sign in to continue to {}", request.client.name), &body)
}

fn credentials(uuid: &str) -> Markup {
    html! {
        label for="uuid" { "Device uuid" }
        input id="uuid" name="uuid" value=(uuid) maxlength="256" autocomplete="username" autocapitalize="none" spellcheck="false" required;
        label for="token" { "Token" }
        input id="token" name="token" type="password" maxlength="1024" autocomplete="current-password" required;
        div.buttons {
            button.strong name="answer" value="sign-in" { "Sign in" }
            button name="answer" value="deny" formnovalidate { "Cancel" }
        }
    }
}

/// The question whether the client may act as the device.
pub(super) fn consent(request: &AuthorizationRequest, ticket: &Ticket, signed_in: &SignedIn) -> HttpResponse {
    let (client, target) = (&request.client, &request.target);
    let port = target.port().map(|port| format!(":{port}")).unwrap_or_default();
    let place =
        target.host_str().map_or_else(|| format!("{}:", target.scheme()), |host| format!("{host}{port}"));
    let buttons = answers("allow", "Allow", "Deny");
    let body = html! {
        dl {
            (fact("Client", &html! { bdi { (client.name) } br; code { (client.uuid) } }))
            (fact("Your device", &device(signed_in)))
            (fact("You will be sent to", &html! { (place) }))
        }
        p {
            "The client gets a token of its own, with which it can do everything that the device can. \
             You can revoke that token at any time."
        }
        (form(request, ticket, &buttons))
    };
    let title = format!("Let {} act as your device?", client.name);
    whole(answer_about(StatusCode::OK, target.scheme()), &title, &body)
}

/// A form that this browser was not given, or not lately.
pub(super) fn stale(request: &AuthorizationRequest) -> HttpResponse {
    let body = html! {
        p {
            "Nothing was done. Either the page was too old, or your browser keeps no cookie for this address: \
             away from the bus's own machine it takes https."
        }
        p { a href=(asking(request)) { "Start again" } }
    };
    whole(answer(StatusCode::FORBIDDEN), "That page is out of date", &body)
}

/// A request whose answer cannot be sent back, for the person whom it brought here.
pub(super) fn misaddressed(why: Misaddressed) -> HttpResponse {
    let (what, then) = match why {
        Misaddressed::MissingClient => {
            ("The link that led you here does not say which program you are to sign in to.", BEGIN_AGAIN)
        }
        Misaddressed::UnknownClient => (
            "The link that led you here names a program that this bus does not know, or not any more.",
            BEGIN_AGAIN,
        ),
        Misaddressed::ForeignTarget => (
            "The link that led you here wants you sent on to an address that its program never registered, so you are not.",
            "If you trust where it came from, tell whoever runs that program.",
        ),
    };
    let body = html! {
        p { (what) }
        p { "Nothing was done. " (then) }
    };
    whole(answer(StatusCode::BAD_REQUEST), "You cannot sign in by this link", &body)
}

/// What somebody who is signed in can answer: what the page proposes, no, or that they are another device.
pub(super) fn answers(proposed: &str, proposal: &str, no: &str) -> Markup {
    html! {
        div.buttons {
            button.strong name="answer" value=(proposed) { (proposal) }
            button name="answer" value="deny" { (no) }
            button.link name="answer" value="leave" { "Sign in as another device" }
        }
    }
}

/// A line of what a page says about the request.
pub(super) fn fact(term: &str, detail: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (detail) } } }
}

/// The device that somebody signed in as.
pub(super) fn device(signed_in: &SignedIn) -> Markup {
    html! {
        @if let Some(name) = &signed_in.name { bdi { (name) } br; }
        code { (signed_in.device) }
    }
}

/// A form that this browser answers the request with.
pub(super) fn form(request: &AuthorizationRequest, ticket: &Ticket, fields: &Markup) -> Markup {
    html! {
        form method="post" action=(asking(request)) {
            input type="hidden" name="ticket" value=(ticket);
            (fields)
        }
    }
}

/// Where the pages about the request are, beside themselves.
fn asking(request: &AuthorizationRequest) -> String {
    format!("authorize?{}", request.to_query())
}

/// A whole page: heading and `body`.
pub(super) fn whole(mut answer: HttpResponseBuilder, title: &str, body: &Markup) -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                // As it is hashed.
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    answer.insert_header(ContentType::html()).body(page.into_string())
}
