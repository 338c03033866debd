//! My credentials: the accounts at the API whose owner somebody is.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::moment::moment;
use super::notice::{Done, notice, viewer_is_everybodys};
use super::state::words;
use super::strangers::account;
use super::turning::{Turning, turning};
use crate::credentials::State;
use crate::message::DeviceUuid;

/// One account's credentials in the list.
#[derive(Clone, Debug)]
pub struct CredentialsCard {
    /// The credentials device.
    pub uuid: String,
    /// The account's name, where it has one.
    pub account: Option<String>,
    /// How its secret stands.
    pub state: State,
    /// When a device used it last.
    pub last_use: Option<String>,
}

/// All of them.
#[derive(Debug)]
pub struct Mine<'a> {
    /// What people call the API.
    pub api: &'a str,
    /// Whether anybody can sign in there, or do what takes its place.
    pub can_sign_in: bool,
    /// Some of the accounts.
    pub cards: &'a [CredentialsCard],
    /// Where the others are.
    pub turning: Turning<'a>,
    /// Whether some credentials here, whosever, cannot be opened now.
    pub some_are_keyless: bool,
    /// Those of them that are known to be the viewer's.
    pub keyless: &'a [DeviceUuid],
    /// Whether everybody on the bus can be the viewer.
    pub viewer_is_everybodys: bool,
    /// What was just done.
    pub done: Option<&'a Done>,
}

/// That some cannot be opened, and who ends that.
fn keyless(theirs: &[DeviceUuid]) -> Markup {
    html! {
        div.alarm {
            @if theirs.is_empty() {
                p { "Some credentials that are kept here cannot be opened now: a key of this gateway is missing. Yours may be among them." }
            } @else {
                p { "These credentials of yours cannot be opened now: a key of this gateway is missing." }
                ul { @for device in theirs { li { code { (device.as_str()) } } } }
            }
            p { "They are back as soon as whoever runs the gateway puts the key back; " code { "endo doctor" } " says which it is." }
        }
    }
}

/// The list, and the way to add to it.
pub fn my_credentials(viewer: &Viewer, mine: &Mine<'_>) -> Markup {
    let api = mine.api;
    let body = html! {
        (notice(viewer, api, mine.done))
        @if mine.viewer_is_everybodys { (viewer_is_everybodys()) }
        @if mine.some_are_keyless { (keyless(mine.keyless)) }
        @if mine.cards.is_empty() && mine.turning.newest.is_none() && mine.turning.older.is_none() {
            p.lead {
                @if mine.some_are_keyless { "No credentials of yours can be shown now." } @else { "You have no credentials here yet." }
                @if mine.can_sign_in && !mine.some_are_keyless { " Connect " (api) " to keep some: then devices of yours can use them." }
            }
        } @else if !mine.cards.is_empty() {
            ul.cards {
                @for card in mine.cards {
                    li {
                        a href={ "/console/credentials/" (card.uuid) } { (account(card.account.as_deref())) }
                        p { (words(&card.state)) }
                        p.small {
                            (api) " · "
                            @match &card.last_use {
                                Some(at) => { "last used " (moment(at)) },
                                None => "not used yet",
                            }
                            " · " code { (card.uuid) }
                        }
                    }
                }
            }
        }
        (turning(mine.turning))
        @if mine.can_sign_in {
            p { a.button.strong href="/auth/api" { "Connect " (api) } }
        } @else {
            p {
                "Nobody can sign in at " (api) " here until its operator registers this gateway there. Whoever runs the gateway stores \
                 a secret for you by " code { "endo credentials add --id ACCOUNT --owner " (viewer.name) } "."
            }
        }
    };
    page(&Frame { title: "My credentials", about: None, viewer: Some(viewer) }, &body)
}
