//! From schemas to fields: every value of the message's `data` that has a name of its own.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::field::{Field, Kind, Part};
use super::kind;
use super::layout::{Hint, Layout, Note, pointer_step};
use super::reading::is_needed;
use super::values;

/// Objects deeper than this are asked for as JSON.
const DEEPEST: usize = 6;

/// More fields than this are asked for as JSON of the object around them.
const MOST_FIELDS: usize = 300;

/// A chain of references longer than this leads nowhere.
const LONGEST_CHAIN: usize = 16;

/// A walk through one message schema.
pub(super) struct Reader<'a> {
    document: &'a Value,
    layout: Layout,
    count: usize,
}

/// Where a field is to stand.
struct Place<'a> {
    name: String,
    key: &'a str,
    is_required: bool,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message_schema: &'a Value, form: &Value) -> Self {
        Self { document: message_schema, layout: Layout::of(form), count: 0 }
    }

    /// The field of all `data`.
    pub(super) fn data(&mut self) -> Field {
        let nothing = Value::Bool(true);
        let schema = self.document.pointer("/properties/data").unwrap_or(&nothing);
        let is_required = is_required(self.document, "data", schema);
        let mut data = self.field(schema, Place { name: "/data".into(), key: "data", is_required, depth: 0 });
        if let Kind::Group(parts) = &mut data.kind {
            self.add_notes(parts);
        }
        data
    }

    fn field(&mut self, written: &Value, place: Place<'_>) -> Field {
        self.count += 1;
        let number = self.count;
        let empty = Map::new();
        let outer = written.as_object().unwrap_or(&empty);
        let schema = self.resolved(written).cloned().unwrap_or_default();
        let hint = self.layout.hint(&place.name);
        let word = |name: &str| {
            [outer, &schema].iter().find_map(|schema| Some(schema.get(name)?.as_str()?.to_owned()))
        };
        let (title, description) = (word("title"), word("description"));
        let title = hint.title.clone().or(title).filter(|title| !title.trim().is_empty());
        let (types, is_nullable) = kind::types(&schema);
        let mut field = Field {
            number,
            title: title
                .unwrap_or_else(|| if place.key == "data" { "Data".into() } else { place.key.to_owned() }),
            is_title_hidden: hint.is_title_hidden,
            description: hint.description.clone().or(description),
            placeholder: hint.placeholder.clone(),
            is_required: place.is_required,
            is_nullable,
            default: outer.get("default").or_else(|| schema.get("default")).cloned(),
            kind: self.kind(&schema, &hint, &place),
            key: place.key.to_owned(),
            name: place.name,
        };
        values::settle(&mut field);
        if is_needed(&field) && types == ["object"] && matches!(field.kind, Kind::Json) {
            field.default.get_or_insert_with(|| json!({}));
        }
        field
    }

    fn kind(&mut self, schema: &Map<String, Value>, hint: &Hint, place: &Place<'_>) -> Kind {
        let is_simple = ["const", "enum"].iter().any(|keyword| schema.contains_key(*keyword));
        let (types, _) = kind::types(schema);
        if !is_simple && matches!(types.as_slice(), ["array"]) {
            let items = schema.get("items").and_then(|items| self.resolved(items));
            return items.map_or(Kind::Json, |items| kind::array(items, hint));
        }
        if !is_simple
            && matches!(types.as_slice(), [] | ["object"])
            && let Some(members) = schema.get("properties").and_then(Value::as_object)
        {
            return self.group(schema, members, place);
        }
        kind::simple(schema, hint, place.is_required)
    }

    fn group(
        &mut self,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
        place: &Place<'_>,
    ) -> Kind {
        // What is required and not described may be anything, and without it no message would be taken.
        let anything = Value::Bool(true);
        let undescribed = required(schema).filter(|key| !members.contains_key(*key));
        let undescribed: BTreeMap<_, _> = undescribed.map(|key| (key, &anything)).collect();
        let has_room = place.depth < DEEPEST && self.count + members.len() + undescribed.len() <= MOST_FIELDS;
        if !has_room {
            return Kind::Json;
        }
        let object = Value::Object(schema.clone());
        let defaults = schema.get("default").and_then(Value::as_object);
        let mut fields = Vec::new();
        for (key, member) in members.iter().map(|(key, member)| (key.as_str(), member)).chain(undescribed) {
            let place = Place {
                name: format!("{}{}", place.name, pointer_step(key)),
                key,
                is_required: is_required(&object, key, member),
                depth: place.depth + 1,
            };
            let default = defaults.and_then(|defaults| defaults.get(key));
            fields.push(self.field(&with_default(member, default), place));
        }
        fields.sort_by_key(|field| self.layout.rank(&field.name));
        Kind::Group(fields.into_iter().map(|field| Part::Field(Box::new(field))).collect())
    }

    /// Puts the form's texts before the field that follows them.
    fn add_notes(&mut self, parts: &mut Vec<Part>) {
        for (rank, note) in std::mem::take(&mut self.layout.notes) {
            let follows =
                |part: &Part| part.field().is_some_and(|field| self.layout.rank(&field.name) > rank);
            let at = parts.iter().position(follows).unwrap_or(parts.len());
            let part = match note {
                Note::Help(text) => Part::Note(text),
                Note::Title(text) => Part::Title(text),
            };
            parts.insert(at, part);
        }
    }

    /// The schema that this one is, or refers to.
    fn resolved<'b>(&self, schema: &'b Value) -> Option<&'b Map<String, Value>>
    where
        'a: 'b,
    {
        let mut schema = schema;
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                return schema.as_object();
            };
            let pointer = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
            schema = self.document.pointer(&pointer)?;
        }
        None
    }
}

/// A member without a default of its own has the one that the object around it gives.
fn with_default(member: &Value, default: Option<&Value>) -> Value {
    let mut member = member.clone();
    if let (Some(member), Some(default)) = (member.as_object_mut(), default) {
        member.entry("default").or_insert_with(|| default.clone());
    }
    member
}

/// The members that an object lists as required.
fn required(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let listed = object.get("required").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str)
}

/// Draft 3 says it in the member, later drafts in the object.
fn is_required(object: &Value, key: &str, member: &Value) -> bool {
    object.as_object().is_some_and(|object| required(object).any(|name| name == key))
        || member.get("required") == Some(&Value::Bool(true))
}
