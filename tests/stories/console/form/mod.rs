//! The forms of jobs: what their schemas ask, and what comes back as `data`.

mod asking;
mod properties;
mod reading;
mod refusing;

use endo::console::form::{Faults, JobForm, Posted};
use serde_json::{Value, json};

use crate::support::controls::successful_controls;

/// The form of a job whose `data` have this schema.
fn form(data: Value) -> JobForm {
    JobForm::of(&message_schema(data), &Value::Null)
}

fn message_schema(data: Value) -> Value {
    json!({"type": "object", "required": ["data"], "properties": {"data": data}})
}

/// An object of these members, of which the first is required.
fn object(members: Value) -> Value {
    let first = members.as_object().unwrap().keys().next().cloned();
    json!({"type": "object", "properties": members, "required": [first]})
}

fn posted(fields: &[(&str, &str)]) -> Posted {
    Posted::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

/// What the form gives, or all that is wrong with what was posted.
fn read(form: &JobForm, posted: &Posted) -> Result<Option<Value>, Faults> {
    let (value, faults) = form.read(posted);
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

/// What the form gives when nobody touches it.
fn untouched(form: &JobForm) -> Result<Option<Value>, Faults> {
    read(form, &Posted::new(successful_controls(&form.blank().into_string())))
}

/// What the page says is wrong.
fn page_of(form: &JobForm, posted: &Posted) -> String {
    let faults = read(form, posted).unwrap_err();
    form.filled(posted, &faults).into_string()
}
