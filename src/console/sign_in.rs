//! The pages before anybody is signed in.

use maud::{Markup, html};

use super::layout::{Frame, page};

/// The ways in that there are.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// Where the way over the bus begins; none where the operator has not set it up.
    pub bus: Option<&'a str>,
    /// The API at which they are to sign in then, where that is what they came for.
    pub then_at: Option<&'a str>,
    /// Whether `endo serve` prints a link.
    pub prints_link: bool,
    /// Why somebody is here again.
    pub note: Option<&'a str>,
    /// Where people come back to who sign in, if their browser knows the gateway by another address: they would be
    /// strangers there.
    pub begin_at: Option<&'a str>,
}

/// The page where people begin.
pub fn sign_in(ways: &SignIn<'_>) -> Markup {
    let body = html! {
        @if let Some(note) = ways.note { p.notice role="status" { (note) } }
        @if let Some(address) = ways.begin_at {
            p.notice role="status" {
                "Whoever signs in comes back to " code { (address) } ". If your browser shows another address, a sign-in that begins \
                 here is refused at its end: " a href=(address) { "begin there" } "."
            }
        }
        @match ways.bus {
            Some(start) => {
                p.lead { "Sign in as your device on the bus to see which credentials are yours, and who uses them." }
                @if let Some(api) = ways.then_at {
                    p { "Then you go on to " (api) ", and sign in there: that keeps your secret here, and proves that the account is yours." }
                }
                p { a.button.strong href=(start) { "Sign in with the bus" } }
            }
            None => p.lead {
                "Signing in with the bus is not set up. Its operator sets " code { "bus.oauth_url" }
                " to the address of the bus's OAuth provider."
            }
        }
        @if ways.prints_link {
            p.small {
                "Do you run this gateway yourself? " code { "endo serve" }
                " prints a link in its terminal that signs you in: once, within ten minutes of its start. "
                "After that, " code { "endo sign-in-link" } " prints a new one, or sign in with the bus: uuid and token of the first owner are in "
                code { "owner.json" } " in its data directory."
            }
        }
    };
    page(&Frame { title: "Sign in", about: None, viewer: None }, &body)
}

/// Why nobody stays signed in, and what to do about it.
pub const NOT_KEPT_HERE: &str = "Browsers keep no sign-in at this address, which is neither https nor this machine's. Ask the \
                                 operator to put TLS before the gateway, and to set listen.public_url to its https address";

/// A link of the terminal, in a browser.
#[derive(Clone, Copy)]
pub struct Once<'a> {
    /// What uses it up.
    pub link: &'a str,
    /// The page to see then.
    pub next: &'a str,
    /// The same page by the address that the terminal printed, where the browser may know another.
    pub begin_at: Option<&'a str>,
    /// Whether the browser keeps a sign-in here.
    pub is_kept: bool,
}

/// The page behind the link in the terminal. Nothing happens until its button is pressed, so that whatever looks at
/// links ahead of people uses none up.
pub fn once(once: &Once<'_>) -> Markup {
    let Once { link, next, begin_at, is_kept } = *once;
    let body = html! {
        @if let Some(address) = begin_at {
            p.notice role="status" {
                "If your browser does not show the address that the terminal printed, it may not stay signed in here: "
                a href=(address) { "open the link there" } "."
            }
        }
        p.lead { "This link from the terminal signs this browser in as the first owner of the gateway. It works once." }
        @if is_kept {
            form method="post" action="/sign-in" {
                input type="hidden" name="once" value=(link);
                input type="hidden" name="next" value=(next);
                button.strong { "Sign in" }
            }
        } @else {
            p.notice role="status" { (NOT_KEPT_HERE) "." }
        }
    };
    page(&Frame { title: "Sign in to your gateway", about: None, viewer: None }, &body)
}

/// Why a link signs nobody in, and what to do about it.
pub const LINK_OVER: &str = "That link was used already, is older than ten minutes, or is not the newest one; \
                             endo sign-in-link prints a new one in the terminal";

/// Why a link that is good signs nobody in, and what to do about it.
pub const OWNER_UNKNOWN: &str = "The bus does not know the first owner by what owner.json says, so the link signs nobody in now; it is \
                                 not used up. endo doctor says what to do; where a further token is all that it takes, the link \
                                 works then";

/// The page behind a link in the terminal that signs nobody in, or not any more; the ways in are at `ways`.
pub fn link_over(is_signed_in: bool, ways: &str) -> Markup {
    let body = html! {
        p.lead { (LINK_OVER) "." }
        @if is_signed_in {
            p { "You are signed in in this browser already." }
            p { a.button.strong href="/console" { "My credentials" } }
        } @else {
            p { a.button href=(ways) { "Other ways to sign in" } }
        }
    };
    page(&Frame { title: "This link is over", about: None, viewer: None }, &body)
}
