//! My credentials: the accounts at the API whose owner somebody is.

use maud::{Markup, html};

use super::layout::{Frame, Viewer, page};

/// One account's credentials in the list.
#[derive(Clone, Debug)]
pub struct CredentialsCard {
    /// The credentials device.
    pub uuid: String,
    /// The account's name, where it has one.
    pub account: Option<String>,
}

/// The list, and the way to add to it.
pub fn my_credentials(viewer: &Viewer, api: &str, cards: &[CredentialsCard]) -> Markup {
    let body = html! {
        @if cards.is_empty() {
            p.lead { "You have no credentials here yet. Sign in at " (api) " to keep some: then devices of yours can use them." }
        } @else {
            ul.cards {
                @for card in cards {
                    li {
                        a href={ "/console/credentials/" (card.uuid) } { (card.account.as_deref().unwrap_or("An account without a name")) }
                        p.small { (api) " · " code { (card.uuid) } }
                    }
                }
            }
        }
        p { a.button.strong href="/auth/api" { "Connect " (api) } }
    };
    page(&Frame { title: "My credentials", viewer: Some(viewer) }, &body)
}
