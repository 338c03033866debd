//! What owners can do by themselves; else who does it for them.

use maud::{Markup, html};

use super::credential::Shown;

/// What owners can do by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// Sign in at the API, which brings a newer secret.
    pub sign_in: bool,
    /// End a device's right, or the secret.
    pub end: bool,
}

/// How a newer secret comes here.
pub(super) fn sign_in_again(shown: &Shown) -> Markup {
    html! {
        @if shown.ways.sign_in {
            a href={ "/auth/api?credentials=" (shown.uuid) } { "Sign in at " (shown.api) " again" }
        } @else {
            "Nobody can sign in at " (shown.api) " here: whoever runs the gateway stores a newer secret, by "
            code { "endo credentials add" }
        }
    }
}

/// Who ends something where owners cannot.
pub(super) fn ended_by_operator(shown: &Shown) -> Markup {
    html! {
        "To end something takes a sign-in at " (shown.api) ", and nobody can sign in there here. Whoever runs the gateway cuts a \
         device off by " code { "endo devices revoke DEVICE" } ", and forgets the secret by "
        code { "endo credentials forget " (shown.uuid) } "."
    }
}
