//! The page for whoever signs in as a device that everybody on the bus has in their hands.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::page::{answer_about, answers, device, fact, form, whole};
use crate::bus::embedded::oauth::{AuthorizationRequest, SignedIn, Ticket};

/// Who else may act as the device is named up to here.
const NAMED: usize = 5;

/// That nobody is signed in as such a device, and the button that closes it.
pub(super) fn page(request: &AuthorizationRequest, ticket: &Ticket, signed_in: &SignedIn) -> HttpResponse {
    let (lists, others) = (&signed_in.open.lists, &signed_in.open.beside);
    let buttons = answers("close", "Close it and go on", "Cancel");
    let body = html! {
        p.alarm role="alert" {
            "You are not signed in at the client: everybody on this bus may change this device and make tokens of it, \
             or act as it, so that anybody could be you there."
        }
        dl {
            (fact("Your device", &device(signed_in)))
            (fact("Everybody is on", &codes(lists)))
            // Whoever let themselves in while it was open stays.
            @if !others.is_empty() {
                (fact("Others who stay on such lists; take off whom you do not know", &first_of(others)))
            }
        }
        p {
            "Closing it takes everybody (" code { "*" } ") off and ends its tokens, but for the one that you signed in with: \
             anybody may have made them. Programs of yours that use another one need a new one then."
        }
        (form(request, ticket, &buttons))
    };
    let answer = answer_about(StatusCode::FORBIDDEN, request.target.scheme());
    whole(answer, "Your device is open to everybody", &body)
}

fn codes<T: std::fmt::Display>(each: &[T]) -> Markup {
    html! {
        @for (place, one) in each.iter().enumerate() {
            @if place > 0 { br; }
            code { (one) }
        }
    }
}

fn first_of(others: &[String]) -> Markup {
    let (named, more) = others.split_at(others.len().min(NAMED));
    html! {
        (codes(named))
        @if !more.is_empty() { br; "and " (more.len()) " more" }
    }
}
