//! One account's credentials: who may use them, and what their owner can end.

use maud::{Markup, Render, html};

use super::layout::{Frame, Viewer, page};
use super::line::{Line, What};
use super::moment::moment;
use super::notice::{Done, notice, viewer_is_everybodys};
use super::reply::in_words;
use super::state::words;
use super::strangers::{Name, account};
use super::ways::{Again, Ways, ended_by_operator, newer_secret, owned_by};
pub use crate::credentials::NotedError;
use crate::credentials::State;

/// Credentials, as pages name them.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The credentials device.
    pub uuid: String,
    /// The account's name, where it has one.
    pub account: Option<String>,
    /// What people call the API.
    pub api: String,
    /// What their owners can do with them.
    pub ways: Ways,
}

impl Shown {
    /// What people call them.
    pub fn name(&self) -> Name<'_> {
        account(self.account.as_deref())
    }

    /// The page of theirs with this end.
    pub(super) fn path(&self, end: &str) -> String {
        format!("/console/credentials/{}{end}", self.uuid)
    }
}

/// A device that may use credentials.
#[derive(Clone, Debug)]
pub struct UserDevice {
    /// The device.
    pub uuid: String,
    /// Whether the bus could be asked for it; else its name, owner and errors are missing for that alone.
    pub is_told: bool,
    /// What people call it.
    pub name: Option<String>,
    /// Who owns it now.
    pub owner: Option<String>,
    /// Whether that is who looks.
    pub is_viewers: bool,
    /// When it got its right.
    pub bound_at: Option<String>,
    /// When it last sent a message that asked for the credentials.
    pub last_message: Option<String>,
    /// How many errors that say something its status device keeps.
    pub errors: Option<usize>,
    /// The newest of them.
    pub noted: Vec<NotedError>,
}

impl UserDevice {
    /// What people call it.
    pub fn label(&self) -> Name<'_> {
        Name(self.name.as_deref().unwrap_or(&self.uuid))
    }

    /// The same for those who read along, and which of all that are called so it is.
    pub(super) fn which(&self) -> Markup {
        html! { (self.label()) @if self.name.is_some() { " (" code { (self.uuid) } ")" } }
    }

    /// The same for links beside which the others see which one it is.
    fn link_label(&self) -> Markup {
        html! { (self.label()) @if self.name.is_some() { span.unseen { " " (self.uuid) } } }
    }

    pub(super) fn path(&self, credentials: &Shown, end: &str) -> String {
        credentials.path(&format!("/user-devices/{}{end}", self.uuid))
    }
}

/// One account's credentials.
#[derive(Debug)]
pub struct Credential {
    /// What they are called.
    pub shown: Shown,
    /// Who manages them, as far as their names are known.
    pub owners: Vec<Owner>,
    /// How many more do, who were here before their record moved to this gateway, and not since.
    pub unnamed_owners: usize,
    /// Whether nobody would manage them any more if the viewer left.
    pub has_one_owner: bool,
    /// Who may use them.
    pub devices: Vec<UserDevice>,
    /// Whether all that went wrong with them lately is known.
    pub are_errors_all: bool,
    /// How their secret stands.
    pub state: State,
    /// Whether everybody on the bus can be the viewer.
    pub viewer_is_everybodys: bool,
    /// What was just done.
    pub done: Option<Done>,
    /// What no new device may be called.
    pub refused: Option<RefusedName>,
}

/// Somebody who manages credentials.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The device on the bus that they are.
    pub uuid: String,
    /// Whether it is not there any more, so that nobody can sign in as it.
    pub is_gone: bool,
}

/// A name that was typed in, and cannot be one.
#[derive(Clone, Debug)]
pub struct RefusedName {
    /// The name.
    pub typed: String,
    /// Why not, and what to do about it.
    pub why: String,
}

/// A device that was just made. Prints without its token.
pub struct NewDevice<'a> {
    /// The device.
    pub uuid: &'a str,
    /// What it proves itself by; shown once.
    pub token: &'a str,
}

impl std::fmt::Debug for NewDevice<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewDevice").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

/// The page of one account's credentials.
pub fn credential(viewer: &Viewer, credential: &Credential) -> Markup {
    let shown = &credential.shown;
    let body = html! {
        (notice(viewer, &shown.api, credential.done.as_ref()))
        @if credential.viewer_is_everybodys { (viewer_is_everybodys()) }
        p.small { (shown.api) " · " code { (shown.uuid) } }
        @if credential.state.is_over() {
            div.alarm {
                p { "The secret is not accepted any more. Until there is a newer one, every device gets an error." }
                p { (newer_secret(shown)) }
            }
        } @else {
            p { (words(&credential.state)) "." }
        }
        h2 { "Devices that use them" }
        @if credential.devices.is_empty() {
            p {
                "No device uses these credentials."
                @if shown.ways.again != Again::Never { " Add one to send jobs to it from a flow." }
            }
        } @else {
            ul.cards { @for device in &credential.devices { li { (entry(shown, device)) } } }
        }
        @if credential.devices.iter().any(|device| !device.is_told) {
            p.notice role="status" {
                "The bus could not be asked for these devices just now, so names, owners and errors are missing, and no job can \
                 be sent from here. Load the page again in a moment." @if shown.ways.end { " You can cut them off all the same." }
            }
        } @else if !credential.are_errors_all {
            p.notice role="status" { "Some errors of these devices cannot be shown now. Load the page again in a moment." }
        }
        @if shown.ways.again != Again::Never { (adding(viewer, credential)) }
        h2 { "Owners" }
        p { (owned_by(shown)) }
        ul {
            @for owner in &credential.owners { li { (owner_entry(viewer, owner)) } }
            @if credential.unnamed_owners > 0 { li { (unnamed(credential.unnamed_owners)) } }
        }
        (more(credential))
    };
    page(&Frame { title: "Credentials of", about: Some(shown.name()), viewer: Some(viewer) }, &body)
}

fn owner_entry(viewer: &Viewer, owner: &Owner) -> Markup {
    html! {
        code { (owner.uuid) }
        @if owner.uuid == viewer.name { " (you)" }
        @if owner.is_gone { " (not on the bus any more: nobody can sign in as this device)" }
    }
}

fn more(credential: &Credential) -> Markup {
    let shown = &credential.shown;
    html! {
        h2 { "More" }
        ul {
            li { (newer_secret(shown)) }
            @if shown.ways.end && !credential.devices.is_empty() {
                li { a href=(shown.path("/cut-off-all")) { "Cut off all devices" } }
            }
            @if credential.has_one_owner {
                li { "You are the last owner, and cannot leave" @if shown.ways.end { "; you can forget the secret instead" } "." }
            } @else if shown.ways.end {
                li { a href=(shown.path("/leave")) { "Leave: manage them no more" } }
            }
            @if shown.ways.end {
                li { a href=(shown.path("/forget")) { "Forget the secret" } }
            } @else {
                li { (ended_by_operator(shown)) }
            }
        }
    }
}

fn adding(viewer: &Viewer, credential: &Credential) -> Markup {
    let (shown, refused) = (&credential.shown, credential.refused.as_ref());
    let hint = html! {
        "So that you know it from others."
        @if shown.account.is_some() { " Without one it is called " (shown.name()) "." }
    };
    let name = Line {
        name: "name",
        label: "Name of a new device",
        is_optional: true,
        what: What::Name(refused.map_or("", |refused| &refused.typed)),
        hint: Some(&hint),
        fault: refused.map(|refused| &*refused.why),
    };
    html! {
        form method="post" action=(shown.path("/add-me")) {
            (proof(viewer))
            (mark(viewer))
            (name)
            button.button.strong { "Add a device of mine" }
        }
    }
}

fn unnamed(count: usize) -> Markup {
    html! {
        @if count == 1 { "Somebody" } @else { (count) " others" }
        " who kept these credentials before they moved to this gateway, and did not sign in here since: whoever it is manages \
         them as well, and is named here from then on."
    }
}

/// Which device it is: its name, which others may have as well, and what tells it from them.
pub(super) fn identity(device: &UserDevice) -> Markup {
    html! {
        p { strong { (device.label()) } }
        p.small {
            code { (device.uuid) }
            @if let Some(owner) = &device.owner {
                " · " @if device.is_viewers { "yours" } @else { "of " code { (Name(owner)) } }
            }
            @if let Some(since) = &device.bound_at { " · since " (moment(since)) }
            @match &device.last_message {
                Some(at) => { " · last message " (moment(at)) }
                None => { " · no message yet" }
            }
        }
    }
}

fn entry(shown: &Shown, device: &UserDevice) -> Markup {
    html! {
        (identity(device))
        @if let Some(count) = device.errors.filter(|count| *count > 0) { (errors(count, &device.noted)) }
        @let sends = device.is_viewers && shown.ways.again != Again::Never;
        @if sends || shown.ways.end {
            p.ways {
                @if sends { a href=(device.path(shown, "/jobs")) { "Send a job to " (device.link_label()) } }
                @if shown.ways.end { a href=(device.path(shown, "/cut-off")) { "Cut off " (device.link_label()) } }
            }
        }
    }
}

fn errors(count: usize, noted: &[NotedError]) -> Markup {
    html! {
        details {
            summary { @if count == 1 { "One error noted" } @else { (count) " errors noted" } }
            ul.parts {
                @for error in noted {
                    li {
                        (moment(&error.at)) ": " (in_words(&error.text).map_or_else(|| Name(&error.text).render(), |words| words.render()))
                        @if let Some(code) = &error.code { " (code " (Name(code)) ")" }
                    }
                }
                @if count > noted.len() { li { "The others are on the status device." } }
            }
        }
    }
}

/// The page that shows a new device's token, once.
pub fn new_device(viewer: &Viewer, shown: &Shown, device: &NewDevice<'_>) -> Markup {
    let body = html! {
        p.lead { "Keep the token now: it is shown this once." }
        p {
            "Flows send their messages to the device by its uuid. Who has the token acts as the device on the bus, and can let \
             others send to it."
        }
        dl {
            div { dt { "Device" } dd { code { (device.uuid) } } }
            div { dt { "Token" } dd { code { (device.token) } } }
        }
        p { a href=(shown.path("")) { "Back to " (shown.name()) } }
    };
    page(&Frame { title: "A new device", about: None, viewer: Some(viewer) }, &body)
}

/// The page for whoever sends the form again that added a device: this one, as far as that is known.
pub fn already_added(viewer: &Viewer, shown: &Shown, device: Option<&str>) -> Markup {
    let body = html! {
        p.lead {
            @match device {
                Some(device) => {
                    "The device " code { (device) } " was added when you sent that form first, and no other one now. Its token "
                    "was shown then and is shown no more: cut the device off and add another if you did not keep it."
                },
                None => "That form was sent before, and no device is added by it now. Look whether one was added then.",
            }
        }
        p { a href=(shown.path("")) { "Back to " (shown.name()) } }
    };
    page(&Frame { title: "Added already", about: None, viewer: Some(viewer) }, &body)
}

/// The hidden field by which a form is known when it is sent again.
pub(super) fn mark(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name="mark" value=(viewer.mark); }
}

/// The hidden field that proves that a form is of this gateway's page.
pub(super) fn proof(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name="csrf" value=(viewer.csrf); }
}
