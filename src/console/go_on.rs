//! The pages between whatever is no page of the gateway and a sign-in at the API.

use maud::{Markup, html};

use super::credential::proof;
use super::layout::{Frame, Viewer, page};

/// Asks whether the viewer wants to sign in at the API, which a form to `path` begins.
pub fn go_on(viewer: &Viewer, api: &str, path: &str) -> Markup {
    let body = html! {
        p.lead { "Signing in at " (api) " keeps your secret here, and proves that the account is yours." }
        p { "You are asked because no page of this gateway led you here. Go on only if that is what you want." }
        form method="post" action=(path) {
            (proof(viewer))
            button.button.strong { "Sign in at " (api) }
        }
        p { a href="/console" { "Not now" } }
    };
    page(&Frame { title: &format!("Sign in at {api}?"), about: None, viewer: Some(viewer) }, &body)
}

/// Leads on to `address`, which is `to`'s, for browsers that do not go on by themselves.
pub fn led_on(address: &str, to: &str) -> Markup {
    let body = html! {
        p.lead { "Your browser goes on to " (to) " by itself. If it does not, go on here." }
        p { a.button.strong href=(address) { "Go on to " (to) } }
    };
    page(&Frame { title: &format!("On to {to}"), about: None, viewer: None }, &body)
}

/// There is nothing to sign in again; the way to what is new.
pub fn not_there(viewer: &Viewer, api: &str) -> Markup {
    let body = html! {
        p.lead {
            "These credentials are not here, or not any more, as where their secret was forgotten. So there is nothing to sign in \
             again."
        }
        p { a.button.strong href="/auth/api" { "Connect " (api) } }
        p { a href="/console" { "My credentials" } }
    };
    page(&Frame { title: "Nothing to sign in again", about: None, viewer: Some(viewer) }, &body)
}
