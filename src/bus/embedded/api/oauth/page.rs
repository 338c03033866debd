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
use sha2::{Digest, Sha256};

use super::html::Text;
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
        None => (StatusCode::OK, ""),
        Some(Note::Wrong) => (
            StatusCode::FORBIDDEN,
            "This device does not exist, or the token is not one of its own. Look at both, and sign in again.",
        ),
        Some(Note::TooOften) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong tokens for this device. A right one signs you in; for others, wait a minute.",
        ),
    };
    let alarm =
        if said.is_empty() { String::new() } else { format!("<p class=\"alarm\" role=\"alert\">{said}</p>") };
    let name = Text(&request.client.name);
    let form = form(
        request,
        ticket,
        &format!(
            r#"<label for="uuid">Device uuid</label>
<input id="uuid" name="uuid" value="{uuid}" maxlength="256" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="token">Token</label>
<input id="token" name="token" type="password" maxlength="1024" autocomplete="current-password" required>
<div class="buttons">
<button class="strong" name="answer" value="sign-in">Sign in</button>
<button name="answer" value="deny" formnovalidate>Cancel</button>
</div>"#,
            uuid = Text(uuid),
        ),
    );
    let title = format!("Sign in to continue to {name}");
    let lead = "<p class=\"soft\">Sign in as the device you act as on this bus. The token stays here: it is not shown to the client.</p>";
    let mut answer = answer_about(status, request.target.scheme());
    if note == Some(Note::TooOften) {
        answer.insert_header((RETRY_AFTER, Attempts::WINDOW.as_secs()));
    }
    whole(answer, &title, &format!("{lead}{alarm}{form}"))
}

/// The question whether the client may act as the device.
pub(super) fn consent(request: &AuthorizationRequest, ticket: &Ticket, signed_in: &SignedIn) -> HttpResponse {
    let (client, target) = (&request.client, &request.target);
    let port = target.port().map(|port| format!(":{port}")).unwrap_or_default();
    let place =
        target.host_str().map_or_else(|| format!("{}:", target.scheme()), |host| format!("{host}{port}"));
    let name =
        signed_in.name.as_ref().map(|name| format!("<bdi>{}</bdi><br>", Text(name))).unwrap_or_default();
    let facts = format!(
        "<dl><div><dt>Client</dt><dd><bdi>{}</bdi><br><code>{}</code></dd></div>\
         <div><dt>Your device</dt><dd>{name}<code>{}</code></dd></div>\
         <div><dt>You will be sent to</dt><dd>{}</dd></div></dl>",
        Text(&client.name),
        Text(&client.uuid),
        Text(&signed_in.device),
        Text(place),
    );
    let warning = "<p>The client gets a token of its own, with which it can do everything that the device can. You can revoke that token at any time.</p>";
    let buttons = r#"<div class="buttons">
<button class="strong" name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
<button class="link" name="answer" value="leave">Sign in as another device</button>
</div>"#;
    let title = format!("Let {} act as your device?", Text(&client.name));
    let body = format!("{facts}{warning}{}", form(request, ticket, buttons));
    whole(answer_about(StatusCode::OK, target.scheme()), &title, &body)
}

/// A form that this browser was not given, or not lately.
pub(super) fn stale(request: &AuthorizationRequest) -> HttpResponse {
    let again = format!("authorize?{}", request.to_query());
    let body = format!(
        "<p>Nothing was done. Either the page was too old, or your browser keeps no cookie for this address: away from the bus's own machine it takes https.</p><p><a href=\"{}\">Start again</a></p>",
        Text(again),
    );
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
    let body = format!("<p>{what}</p><p>Nothing was done. {then}</p>");
    whole(answer(StatusCode::BAD_REQUEST), "You cannot sign in by this link", &body)
}

/// A form that this browser answers the request with.
pub(super) fn form(request: &AuthorizationRequest, ticket: &Ticket, fields: &str) -> String {
    format!(
        "<form method=\"post\" action=\"authorize?{}\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">{fields}</form>",
        Text(request.to_query()),
    )
}

/// `title` and `body` are HTML.
pub(super) fn whole(mut answer: HttpResponseBuilder, title: &str, body: &str) -> HttpResponse {
    answer.insert_header(ContentType::html()).body(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"#
    ))
}
