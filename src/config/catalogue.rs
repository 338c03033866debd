//! The list of all settings, read off the types that hold them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// All settings, in the order of their sections.
#[derive(Debug)]
pub struct Catalogue {
    settings: Vec<Setting>,
}

/// One setting: what it is called and what it takes.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name: section and field, `listen.gateway`.
    pub name: String,
    /// The environment variable that sets it: `ENDO_LISTEN_GATEWAY`.
    pub variable: String,
    /// What it is for, in a sentence or two.
    pub meaning: String,
    /// Its value when nobody sets it, where that is always the same.
    pub default: Option<Value>,
    /// What it takes.
    pub kind: Kind,
    /// Whether its value must not be shown.
    pub secret: bool,
}

/// What a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text but the empty one.
    Text,
    /// An IP address with a port.
    Address,
    /// The address of an HTTP server.
    Url,
    /// Levels of the log, as `tracing_subscriber::EnvFilter` reads them.
    LogFilter,
    /// One of these words.
    Choice(Vec<String>),
    /// True or false.
    Switch,
    /// A whole number between these two, both allowed.
    Number {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// Any number of texts.
    List,
    /// Any number of uuids.
    Uuids,
    /// Any number of texts, or one that stands alone.
    OneOrMore,
}

impl Catalogue {
    /// The settings of [`Config`].
    pub fn new() -> Self {
        let schema = SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<Config>();
        let mut settings = Vec::new();
        for (name, schema) in properties(schema.as_value()) {
            if schema.get("properties").is_some() {
                settings.extend(
                    properties(schema).map(|(field, schema)| Setting::new(format!("{name}.{field}"), schema)),
                );
            } else {
                settings.push(Setting::new(name.clone(), schema));
            }
        }
        Self { settings }
    }

    /// Every setting, in the order of their sections.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// Whether some settings are in a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.iter().any(|setting| setting.section_and_field().0 == Some(name))
    }

    /// The setting of this name, if there is one.
    pub fn named(&self, name: &str) -> Option<&Setting> {
        self.iter().find(|setting| setting.name == name)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}

impl Setting {
    fn new(name: String, schema: &Value) -> Self {
        Self {
            variable: format!("ENDO_{}", name.replace('.', "_").to_uppercase()),
            meaning: schema["description"].as_str().unwrap_or_default().replace('\n', " "),
            default: schema.get("default").filter(|value| !value.is_null()).cloned(),
            kind: Kind::of(schema),
            secret: schema["writeOnly"] == true,
            name,
        }
    }

    /// The section it is in, if any, and its name there.
    pub fn section_and_field(&self) -> (Option<&str>, &str) {
        match self.name.split_once('.') {
            Some((section, field)) => (Some(section), field),
            None => (None, &self.name),
        }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(words) = choice(schema) {
            return Self::Choice(words);
        }
        match (first_type(schema), schema["format"].as_str()) {
            ("boolean", _) => Self::Switch,
            ("array", _) if schema["type"][1] == "string" => Self::OneOrMore,
            ("array", _) if schema["items"]["format"] == "uuid" => Self::Uuids,
            ("array", _) => Self::List,
            ("integer", _) => Self::Number {
                least: schema["minimum"].as_i64().unwrap_or(0),
                most: schema["maximum"].as_i64().unwrap_or(i64::MAX),
            },
            (_, Some("socket-address")) => Self::Address,
            (_, Some("uri")) => Self::Url,
            (_, Some("log-filter")) => Self::LogFilter,
            _ => Self::Text,
        }
    }
}

fn choice(schema: &Value) -> Option<Vec<String>> {
    let words = match (&schema["enum"], &schema["oneOf"]) {
        (Value::Array(words), _) => words.iter().collect::<Vec<_>>(),
        (_, Value::Array(branches)) => branches.iter().map(|branch| &branch["const"]).collect(),
        _ => return None,
    };
    Some(words.into_iter().filter_map(|word| word.as_str().map(str::to_owned)).collect())
}

fn first_type(schema: &Value) -> &str {
    schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flat_map(Map::iter)
}

/// The JSON Schema of `endo.toml`, as text that ends in a newline.
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Config))
        .expect("a schema is a JSON value, which can always be written");
    text.push('\n');
    text
}
