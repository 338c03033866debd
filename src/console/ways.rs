//! What owners can do by themselves; else who does it for them.

use maud::{Markup, html};

use super::credential::Shown;

/// How a newer secret comes here, and its owners prove that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// They sign in.
    SignIn,
    /// They type the present key in, and a newer one.
    Key,
    /// Whoever runs the gateway stores it.
    Operator,
    /// Not at all: they are of another API than the gateway is for.
    Never,
}

/// What owners can do by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// Bring a newer secret.
    pub again: Again,
    /// End a device's right, or the secret.
    pub end: bool,
}

/// How a newer secret comes here.
pub(super) fn newer_secret(shown: &Shown) -> Markup {
    let path = format!("/auth/api?credentials={}", shown.uuid);
    html! {
        @match shown.ways.again {
            Again::SignIn => a href=(path) { "Sign in at " (shown.api) " again" },
            Again::Key => a href=(path) { "Type in a newer key" },
            Again::Operator => {
                "Nobody can sign in at " (shown.api) " here: whoever runs the gateway stores a newer secret, by "
                code { "endo credentials add" }
            },
            Again::Never => { "These credentials are of another API than this gateway is for: no sign-in renews them here" }
        }
    }
}

/// Who manages the credentials.
pub(super) fn owned_by(shown: &Shown) -> Markup {
    html! {
        @match shown.ways.again {
            Again::SignIn | Again::Operator | Again::Never => {
                "Whoever signed in at " (shown.api) " as this account manages it here."
            },
            Again::Key => "Whoever typed this key in manages it here.",
        }
    }
}

/// Who ends something where owners cannot.
pub(super) fn ended_by_operator(shown: &Shown) -> Markup {
    html! {
        @match shown.ways.again {
            Again::Never => "To end something takes a sign-in at the API that these credentials are of, and this gateway is for another one.",
            _ => { "To end something takes a sign-in at " (shown.api) ", and nobody can sign in there here." }
        }
        " Whoever runs the gateway cuts a \
         device off by " code { "endo devices revoke DEVICE" } ", and forgets the secret by "
        code { "endo credentials forget " (shown.uuid) } "."
    }
}
