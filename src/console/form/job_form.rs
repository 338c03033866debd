//! One job's form.

use maud::Markup;
use serde_json::Value;

use super::faults::Faults;
use super::field::{Field, Kind, Part};
use super::group::Reader;
use super::html::{self, Shown};
use super::posted::Posted;
use super::reading;
use super::schema_text;

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
    /// # Errors
    /// What cannot be read, or is missing. The schema's other rules are the registry's to check:
    /// [`Self::refused`].
    pub fn read(&self, posted: &Posted) -> Result<Option<Value>, Faults> {
        let (value, faults) = reading::read(&self.data, posted);
        if faults.is_empty() { Ok(value) } else { Err(faults) }
    }

    /// What the registry found wrong with a message, `data.errors` of its reply, at the fields it is about.
    pub fn refused(&self, texts: &[String]) -> Faults {
        let mut faults = Faults::default();
        for text in texts {
            match schema_text::place(&self.data, text) {
                Some((field, words)) => self.refuse(&mut faults, field, words),
                None => faults.add_to_form(format!("The job refuses the message: {text}.")),
            }
        }
        faults
    }

    fn refuse(&self, faults: &mut Faults, field: &Field, words: &str) {
        let Kind::Group(parts) = &field.kind else { return faults.add_words(&field.name, words) };
        let missing = schema_text::missing(words);
        let member =
            parts.iter().filter_map(Part::field).find(|member| Some(&member.key) == missing.as_ref());
        match member {
            Some(member) => faults.add(&member.name, "Fill this in: the job needs it."),
            None => faults.add_to_form(format!("The job refuses “{}”: it {words}.", field.title)),
        }
    }
}
