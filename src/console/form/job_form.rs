//! One job's form.

use maud::Markup;
use serde_json::Value;

use super::faults::Faults;
use super::field::{Field, Kind, Part};
use super::group::Reader;
use super::html::{self, Shown};
use super::posted::Posted;
use super::reading;
use super::sentences::{needed, sentence, sentence_within};
use crate::job::Fault;

/// The form of one job.
pub struct JobForm {
    data: Field,
}

impl JobForm {
    /// Reads it off the job's message schema and its form document, as the registry serves them. Whatever has no
    /// control of its own is asked for as JSON, so that every schema has a form.
    pub fn of(message_schema: &Value, form: &Value) -> Self {
        Self { data: Reader::new(message_schema, form).data() }
    }

    /// Its controls, holding the schema's defaults.
    pub fn blank(&self) -> Markup {
        html::form(&self.data, Shown { posted: None, faults: &Faults::default() })
    }

    /// Its controls, holding what was posted, with what is wrong with it; above them all of it as a list.
    pub fn filled(&self, posted: &Posted, faults: &Faults) -> Markup {
        html::form(&self.data, Shown { posted: Some(posted), faults })
    }

    /// The message's `data` as posted, typed by the schema; none where the message needs none and none was given.
    ///
    /// What can be read of it, where something cannot or is missing: that is told beside it. The schema's other rules are the
    /// registry's to check: [`Self::refused`].
    pub fn read(&self, posted: &Posted) -> (Option<Value>, Faults) {
        reading::read(&self.data, posted)
    }

    /// What the registry found wrong with a message, at the fields it is about.
    pub fn refused(&self, found: &[Fault]) -> Faults {
        let mut faults = Faults::default();
        // What stands beside such a fault says what of it all is wrong.
        let says_more =
            |fault: &&Fault| fault.keyword != "allOf" || found.iter().all(|other| other.keyword == "allOf");
        for fault in found.iter().filter(says_more) {
            match self.field_of(fault) {
                Some(field) => refuse(&mut faults, field, fault),
                None => faults.add_to_form(format!("The job refuses the message: {}.", fault.text())),
            }
        }
        faults
    }

    /// Which of the fields a fault is about: the deepest one that is at its place, or holds that.
    fn field_of(&self, fault: &Fault) -> Option<&Field> {
        let mut found: Option<&Field> = None;
        self.data.visit(&mut |field| {
            let holds = fault
                .place
                .strip_prefix(&field.name)
                .is_some_and(|rest| matches!(rest.chars().next(), None | Some('/')));
            if holds && found.is_none_or(|found| field.name.len() > found.name.len()) {
                found = Some(field);
            }
        });
        found
    }
}

fn refuse(faults: &mut Faults, field: &Field, fault: &Fault) {
    let is_within = fault.place != field.name;
    let Kind::Group(parts) = &field.kind else {
        let sentence = match is_within {
            true => sentence_within(&fault.place[field.name.len()..], fault),
            false => sentence(&field.kind, fault),
        };
        return faults.add_once(&field.name, sentence);
    };
    let asks_for_one = fault.keyword == "required" || fault.by.is_some();
    let is_missing = |member: &&Field| !is_within && asks_for_one && member.key == fault.argument;
    let members = || parts.iter().filter_map(Part::field);
    let beside = members().find(|member| Some(&member.name) == fault.by.as_ref());
    match members().find(is_missing) {
        Some(member) => faults.add(&member.name, needed(beside.map(|beside| &*beside.title))),
        None if is_within => {
            let sentence = sentence_within(&fault.place[field.name.len()..], fault);
            faults.add_to_form(format!("“{}” is refused. {sentence}", field.title))
        }
        None => match beside.filter(|_| !fault.argument.is_empty()) {
            Some(beside) => faults.add_to_form(format!(
                "The job needs “{}” beside “{}”, and this form does not ask for it.",
                fault.argument, beside.title
            )),
            None => {
                faults.add_to_form(format!("“{}” is refused. {}", field.title, sentence(&Kind::Json, fault)))
            }
        },
    }
}
