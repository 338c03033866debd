//! One line that somebody types, and beside it what it is for and what is wrong with it.

use maud::{Markup, Render, html};

use super::strangers::LONGEST_NAME;

/// One line that somebody types.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Its name in the form.
    pub(super) name: &'a str,
    /// What people call it.
    pub(super) label: &'a str,
    pub(super) is_optional: bool,
    pub(super) what: What<'a>,
    /// What it is for.
    pub(super) hint: Option<&'a Markup>,
    /// What is wrong with what was typed.
    pub(super) fault: Option<&'a str>,
}

/// What is typed.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    /// A name; so far this one.
    Name(&'a str),
    /// A secret, which no page shows.
    Secret,
}

impl Render for Line<'_> {
    fn render(&self) -> Markup {
        let (name, is_required) = (self.name, !self.is_optional);
        let ids = [self.hint.map(|_| "hint"), self.fault.map(|_| "fault")];
        let ids: Vec<_> = ids.into_iter().flatten().map(|end| format!("{name}-{end}")).collect();
        let described_by = (!ids.is_empty()).then(|| ids.join(" "));
        let invalid = self.fault.map(|_| "true");
        html! {
            label for=(name) { (self.label) @if self.is_optional { span.optional { " (optional)" } } }
            @if let Some(hint) = self.hint { p.hint id={ (name) "-hint" } { (hint) } }
            @if let Some(fault) = self.fault { p.fault id={ (name) "-fault" } role="alert" { (fault) } }
            @match self.what {
                What::Name(typed) => {
                    input id=(name) name=(name) value=(typed) maxlength=(LONGEST_NAME) autocomplete="off"
                        required[is_required] aria-describedby=[described_by] aria-invalid=[invalid];
                }
                What::Secret => {
                    input id=(name) name=(name) type="password" maxlength="16384" autocomplete="off" spellcheck="false"
                        required[is_required] aria-describedby=[described_by] aria-invalid=[invalid];
                }
            }
        }
    }
}
