//! Reads of a document's text only what a search looks at: what somebody put beside that costs others little.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::bus::embedded::path::index;
use crate::bus::embedded::whitelist::ANYONE;
use crate::message::DeviceUuid;

/// What a value costs beside its text, in bytes.
const PER_VALUE: usize = 8;

/// The members that are read.
#[derive(Debug, Default)]
pub struct Wanted(Members);

type Members = BTreeMap<Box<str>, Choice>;

#[derive(Debug)]
enum Choice {
    Whole,
    Part(Members),
    /// Of a whitelist: the texts that name everybody or the actor, and the objects whose member here does.
    Entries(Members),
}

/// What was read of a document.
#[derive(Debug)]
pub struct Excerpt {
    /// The document without what was not wanted. Where an object was wanted and is none, `null` stands for it.
    pub document: Value,
    /// What reading it cost, in bytes.
    pub cost: usize,
}

impl Wanted {
    /// Everything at a path.
    pub fn add(&mut self, path: &[&str]) {
        choose(&mut self.0, path, Choice::Whole);
    }

    /// Of the whitelist at a path the entries that name everybody or the actor.
    pub fn add_entries(&mut self, path: &[&str]) {
        let entry = Members::from([("uuid".into(), Choice::Entries(Members::new()))]);
        choose(&mut self.0, path, Choice::Entries(entry));
    }

    /// What is wanted of the document of this text, for a search by `actor`.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read(&self, text: &str, actor: &DeviceUuid) -> Result<Excerpt, serde_json::Error> {
        let cost = Cell::new(0);
        let reader = Reader { actor: actor.as_str(), cost: &cost };
        let document = Part { members: &self.0, reader, names: false }
            .deserialize(&mut serde_json::Deserializer::from_str(text))?;
        Ok(Excerpt { document, cost: cost.get() })
    }
}

fn choose(members: &mut Members, path: &[&str], wanted: Choice) {
    let Some((first, rest)) = path.split_first() else { return };
    let known = members.get_mut(*first);
    match (known, rest.is_empty()) {
        (None, true) => drop(members.insert((*first).into(), wanted)),
        (None, false) => {
            let mut part = Members::new();
            choose(&mut part, rest, wanted);
            members.insert((*first).into(), Choice::Part(part));
        }
        (Some(Choice::Part(part)), false) => choose(part, rest, wanted),
        // Whoever wants different things of one value gets all of it.
        (Some(known), _) => *known = Choice::Whole,
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    actor: &'a str,
    cost: &'a Cell<usize>,
}

impl Reader<'_> {
    fn pay(&self, value: &Value) {
        let parts = match value {
            Value::String(text) => text.len(),
            Value::Array(items) => return items.iter().for_each(|item| self.pay(item)),
            Value::Object(members) => {
                members.values().for_each(|member| self.pay(member));
                members.keys().map(|key| PER_VALUE + key.len()).sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        };
        self.cost.set(self.cost.get() + PER_VALUE + parts);
    }
}

/// Reads these members of an object, or of each object in an array.
#[derive(Clone, Copy)]
struct Part<'a> {
    members: &'a Members,
    reader: Reader<'a>,
    /// Whether only what names everybody or the actor is kept.
    names: bool,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Self { members, reader, names } = self;
        let mut read = Map::new();
        while let Some(known) = map.next_key_seed(Known(members))? {
            let Some((key, choice)) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match choice {
                Choice::Whole => map.next_value::<Value>()?,
                Choice::Part(members) => map.next_value_seed(Part { members, reader, names: false })?,
                Choice::Entries(members) => map.next_value_seed(Part { members, reader, names: true })?,
            };
            if matches!(choice, Choice::Whole) {
                reader.pay(&value);
            }
            read.insert(key.to_owned(), value);
        }
        let is_other = names && read.values().all(Value::is_null);
        Ok(if is_other { Value::Null } else { Value::Object(read) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        if self.members.keys().any(|key| index(key).is_some()) {
            while let Some(item) = items.next_element::<Value>()? {
                self.reader.pay(&item);
                read.push(item);
            }
            return Ok(Value::Array(read));
        }
        while let Some(item) = items.next_element_seed(self)? {
            if !item.is_null() {
                self.reader.pay(&Value::Null);
                read.push(item);
            }
        }
        Ok(Value::Array(read))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        let names = self.names && (text == ANYONE || text == self.reader.actor);
        Ok(if names { Value::from(text) } else { Value::Null })
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// Reads a key, if it is one of these.
struct Known<'a>(&'a Members);

impl<'de, 'a> DeserializeSeed<'de> for Known<'a> {
    type Value = Option<(&'a str, &'a Choice)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Known<'a> {
    type Value = Option<(&'a str, &'a Choice)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.get_key_value(key).map(|(key, choice)| (&**key, choice)))
    }
}
