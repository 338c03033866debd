//! My credentials: the accounts at the API whose owner somebody is.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};
use super::moment::moment;
use super::notice::{Done, notice};
use super::state::words;
use super::strangers::account;
use crate::credentials::State;

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

/// The list, and the way to add to it.
pub fn my_credentials(viewer: &Viewer, api: &str, cards: &[CredentialsCard], done: Option<&Done>) -> Markup {
    let body = html! {
        (notice(viewer, api, done))
        @if cards.is_empty() {
            p.lead { "You have no credentials here yet. Sign in at " (api) " to keep some: then devices of yours can use them." }
        } @else {
            ul.cards {
                @for card in cards {
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
        p { a.button.strong href="/auth/api" { "Connect " (api) } }
    };
    page(&Frame { title: "My credentials", about: None, viewer: Some(viewer) }, &body)
}
