//! What a job's `form.json` says, in the words of angular-schema-form: order, titles, and how to ask.

use std::collections::HashMap;

use serde_json::{Map, Value};

const DEEPEST: usize = 8;

/// What a form document says of the fields, by their names.
#[derive(Default)]
pub(super) struct Layout {
    hints: HashMap<String, Hint>,
    ranks: HashMap<String, usize>,
    /// Texts between the fields, with their ranks.
    pub(super) notes: Vec<(usize, Note)>,
    next: usize,
}

/// A text between fields.
pub(super) enum Note {
    Help(String),
    Title(String),
}

/// What it says of one field.
#[derive(Clone, Default)]
pub(super) struct Hint {
    pub(super) title: Option<String>,
    pub(super) is_title_hidden: bool,
    pub(super) description: Option<String>,
    pub(super) placeholder: Option<String>,
    /// `textarea`, `password`, `radios`, …
    pub(super) kind: Option<String>,
    /// The names of values: `titleMap`.
    pub(super) names: Vec<(Value, String)>,
}

impl Layout {
    /// Reads a form document: `{"angular": [items]}`, or the items alone. What cannot be read says nothing.
    pub(super) fn of(form: &Value) -> Self {
        let mut layout = Self::default();
        let items = form.get("angular").unwrap_or(form);
        layout.items(items, 0);
        layout
    }

    /// What is said of the field of that name.
    pub(super) fn hint(&self, name: &str) -> Hint {
        self.hints.get(name).cloned().unwrap_or_default()
    }

    /// Where it stands; fields that the document does not mention come last.
    pub(super) fn rank(&self, name: &str) -> usize {
        self.ranks.get(name).copied().unwrap_or(usize::MAX)
    }

    fn items(&mut self, items: &Value, depth: usize) {
        if depth < DEEPEST {
            items.as_array().into_iter().flatten().for_each(|item| self.item(item, depth));
        }
    }

    fn item(&mut self, item: &Value, depth: usize) {
        self.next += 1;
        match item {
            Value::String(key) => self.mention(key, Hint::default()),
            Value::Object(members) => self.described(members, depth),
            _ => {}
        }
    }

    fn described(&mut self, item: &Map<String, Value>, depth: usize) {
        let hint = hint(item);
        if hint.kind.as_deref() == Some("help") {
            if let Some(text) =
                text(item, "helpvalue").map(|html| plain(&html)).filter(|text| !text.is_empty())
            {
                self.notes.push((self.next, Note::Help(text)));
            }
        } else if let Some(key) = key(item) {
            self.mention(&key, hint);
        } else if let (Some(title), true) = (hint.title, item.contains_key("items")) {
            self.notes.push((self.next, Note::Title(title)));
        }
        for inner in ["items", "tabs"] {
            self.items(item.get(inner).unwrap_or(&Value::Null), depth + 1);
        }
    }

    fn mention(&mut self, key: &str, hint: Hint) {
        let Some(steps) = steps(key) else { return };
        let mut name = String::new();
        for step in &steps {
            name.push_str(&pointer_step(step));
            self.ranks.entry(name.clone()).or_insert(self.next);
        }
        self.hints.entry(name).or_insert(hint);
    }
}

/// One step of a JSON Pointer (RFC 6901).
pub(super) fn pointer_step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn key(item: &Map<String, Value>) -> Option<String> {
    match item.get("key")? {
        Value::String(key) => Some(key.clone()),
        Value::Array(steps) => {
            let steps: Option<Vec<_>> = steps.iter().map(Value::as_str).collect();
            Some(steps?.join("."))
        }
        _ => None,
    }
}

fn hint(item: &Map<String, Value>) -> Hint {
    Hint {
        title: text(item, "title"),
        is_title_hidden: item.get("notitle") == Some(&Value::Bool(true)),
        description: text(item, "description"),
        placeholder: text(item, "placeholder"),
        kind: text(item, "type"),
        names: item.get("titleMap").map(names).unwrap_or_default(),
    }
}

fn text(item: &Map<String, Value>, name: &str) -> Option<String> {
    item.get(name)?.as_str().map(str::to_owned)
}

/// `[{value, name}]`, or `{value: name}`.
fn names(map: &Value) -> Vec<(Value, String)> {
    match map {
        Value::Array(pairs) => pairs
            .iter()
            .filter_map(|pair| Some((pair.get("value")?.clone(), pair.get("name")?.as_str()?.to_owned())))
            .collect(),
        Value::Object(members) => members
            .iter()
            .filter_map(|(value, name)| Some((Value::from(value.as_str()), name.as_str()?.to_owned())))
            .collect(),
        _ => Vec::new(),
    }
}

/// `data.when`, `data["a b"]`, `data['a b']`; what leads into the items of an array is left alone.
fn steps(key: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = inner.split_once(']')?;
            let step = step.trim_matches(['"', '\'']);
            if step.is_empty() {
                return None;
            }
            steps.push(step.to_owned());
            rest = after.strip_prefix('.').unwrap_or(after);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(rest[..end].to_owned());
            rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
        }
    }
    Some(steps)
}

/// The words of a piece of HTML.
fn plain(html: &str) -> String {
    let mut words = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                words.push(' ');
            }
            c if !in_tag => words.push(c),
            _ => {}
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}
