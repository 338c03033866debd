//! What all pages have in common.

use maud::{DOCTYPE, Markup, html};

use super::strangers::Name;
use super::style::STYLE_PATH;

/// What stands around a page.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The page's heading, and its name in the browser.
    pub title: &'a str,
    /// The name that follows it.
    pub about: Option<Name<'a>>,
    /// Who sees it, where somebody is signed in.
    pub viewer: Option<&'a Viewer>,
}

/// Somebody who is signed in. Prints without the proof that their forms hold.
#[derive(Clone)]
pub struct Viewer {
    /// What they are called: a uuid of the bus.
    pub name: String,
    /// What every form that they send must hold, in the field `csrf`.
    pub csrf: String,
    /// What sets the forms of this page apart from those of every other: one that is sent twice does its work once.
    pub mark: String,
}

impl std::fmt::Debug for Viewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A whole page: heading, `body`, and around them where else to go.
pub fn page(frame: &Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (frame.title) @if let Some(Name(name)) = frame.about { " " (name) } " · Endo" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                a.skip href="#main" { "Skip to the page" }
                header.top {
                    div.bar {
                        a.mark href="/" { "Endo" }
                        @if let Some(viewer) = frame.viewer { (navigation(viewer)) }
                    }
                }
                main id="main" {
                    h1 { (frame.title) @if let Some(name) = frame.about { " " (name) } }
                    (body)
                }
            }
        }
    }
}

fn navigation(viewer: &Viewer) -> Markup {
    html! {
        nav aria-label="Pages" {
            a href="/console" { "My credentials" }
            a href="/console/receipts" { "Receipts" }
            form method="post" action="/sign-out" {
                input type="hidden" name="csrf" value=(viewer.csrf);
                button.plain { "Sign out" }
            }
        }
        p.who { "Signed in as " span.code { (viewer.name) } }
    }
}
