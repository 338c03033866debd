//! What an owner ends: first what will stop working, then the button.

use std::time::Duration;

use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::credential::{Shown, UserDevice, identity, proof};
use super::layout::{Frame, Viewer, page};
use super::strangers::Name;
use super::ways::{Again, ended_by_operator};
use crate::ambient::in_words;

/// What is to end.
#[derive(Clone, Debug)]
pub enum Ending {
    /// One device's right.
    CutOff(UserDevice),
    /// All devices' rights.
    CutOffAll,
    /// The secret.
    Forget,
    /// The viewer's management.
    Leave,
}

impl Ending {
    /// What it is called, and the name that follows.
    fn title(&self) -> (&'static str, Option<Name<'_>>) {
        match self {
            Self::CutOff(device) => ("Cut off", Some(device.label())),
            Self::CutOffAll => ("Cut off all devices", None),
            Self::Forget => ("Forget the secret", None),
            Self::Leave => ("Leave", None),
        }
    }

    fn consequence(&self, shown: &Shown) -> Markup {
        let (name, api) = (shown.name(), &shown.api);
        html! {
            @match self {
                Self::CutOff(_) => {
                    "From then on no message of this device can use " (name) " at " (api)
                    ". Flows that send to it get no answer any more."
                },
                Self::CutOffAll => {
                    "From then on none of these devices can use " (name) " at " (api)
                    ". Flows that send to them get no answers any more."
                },
                Self::Forget => {
                    "The gateway erases the secret of " (name) " and tells " (api)
                    " where that is possible. All devices stop working; what was cut off stays cut off."
                },
                Self::Leave => {
                    "From then on you do not manage " (name) " any more, and see neither its devices nor its receipts. Devices go on working."
                },
            }
        }
    }

    /// Those of `all` that stop working.
    fn devices<'a>(&'a self, all: &'a [UserDevice]) -> &'a [UserDevice] {
        match self {
            Self::CutOff(device) => std::slice::from_ref(device),
            Self::CutOffAll | Self::Forget => all,
            Self::Leave => &[],
        }
    }

    fn path(&self, shown: &Shown) -> String {
        match self {
            Self::CutOff(device) => device.path(shown, "/cut-off"),
            Self::CutOffAll => shown.path("/cut-off-all"),
            Self::Forget => shown.path("/forget"),
            Self::Leave => shown.path("/leave"),
        }
    }
}

/// What somebody is asked before the end.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is to end.
    pub ending: &'a Ending,
    /// All devices that use the credentials.
    pub devices: &'a [UserDevice],
    /// The newest receipt of the credentials; zero where there is none.
    pub newest: i64,
}

/// The field that says which receipt was the newest when the page was made.
pub const NEWEST_RECEIPT: &str = "newest-receipt";

/// The page that says what will stop working, with the button.
pub fn confirm(viewer: &Viewer, shown: &Shown, question: &Question<'_>) -> Markup {
    let Question { ending, devices, newest } = *question;
    let (title, about) = ending.title();
    let body = html! {
        p.lead { (ending.consequence(shown)) }
        (cards(ending.devices(devices)))
        form method="post" action=(ending.path(shown)) {
            (proof(viewer))
            input type="hidden" name=(NEWEST_RECEIPT) value=(newest);
            button.button.strong.danger { (title) @if let Some(name) = about { " " (name) } }
        }
        p { a href=(shown.path("")) { "Keep it as it is" } }
    };
    page(&Frame { title, about, viewer: Some(viewer) }, &body)
}

/// The page in place of one that would cut all devices off where there are none.
pub fn nothing_to_cut_off(viewer: &Viewer, shown: &Shown) -> Markup {
    let body = html! {
        p.lead { "No device uses " (shown.name()) ": there is nothing to cut off." }
        p { a href=(shown.path("")) { "Back to " (shown.name()) } }
    };
    page(&Frame { title: "Cut off all devices", about: None, viewer: Some(viewer) }, &body)
}

/// The page for whoever cannot leave, because nobody else manages the credentials.
pub fn last_owner(viewer: &Viewer, shown: &Shown) -> Markup {
    let body = html! {
        p.lead { "You are the last owner, and cannot leave: nobody would manage " (shown.name()) " any more." }
        p {
            "You can " @if shown.ways.end { "forget the secret instead, or " }
            "leave once somebody else who has the account is an owner here too. Nothing was done."
        }
        @if shown.ways.end { p { a href=(shown.path("/forget")) { "Forget the secret" } } }
        p { a href=(shown.path("")) { "Back to " (shown.name()) } }
    };
    page(&Frame { title: "Leave", about: None, viewer: Some(viewer) }, &body)
}

fn cards(devices: &[UserDevice]) -> Markup {
    html! {
        @if !devices.is_empty() { ul.cards { @for device in devices { li { (identity(device)) } } } }
    }
}

/// The page that asks for a sign-in at the API first, which counts until it is of this age; or says who ends it where nobody
/// can sign in.
pub fn prove_again(viewer: &Viewer, shown: &Shown, ending: &Ending, age: Duration) -> Markup {
    let (title, about) = ending.title();
    let body = html! {
        p.lead {
            @match shown.ways.again {
                Again::Never => {
                    "This needs a sign-in at the API that these credentials are of, and this gateway is for another one."
                },
                Again::SignIn | Again::Operator => {
                    "This needs a sign-in at " (shown.api) " as " (shown.name()) " that is not older than " (in_words(age)) "."
                },
                Again::Key => {
                    "This needs the present key of " (shown.name()) ", typed in within the last " (in_words(age)) "."
                },
            }
        }
        (cards(ending.devices(&[])))
        @match shown.ways.again {
            Again::SignIn => (to_proof(shown, ending, &html! { "Sign in at " (shown.api) " again" })),
            Again::Key => (to_proof(shown, ending, &html! { "Type in the present key" })),
            Again::Operator | Again::Never => p { (ended_by_operator(shown)) },
        }
        p { a href=(shown.path("")) { "Keep it as it is" } }
    };
    page(&Frame { title, about, viewer: Some(viewer) }, &body)
}

fn to_proof(shown: &Shown, ending: &Ending, button: &Markup) -> Markup {
    let path = ending.path(shown);
    let next = utf8_percent_encode(&path, NON_ALPHANUMERIC);
    html! {
        p { "Afterwards you come back to this step. Nothing is done before you confirm it." }
        p { a.button.strong href={ "/auth/api?credentials=" (shown.uuid) "&next=" (next) } { (button) } }
    }
}
