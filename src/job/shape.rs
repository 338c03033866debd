//! What a response schema says about the shape of values: which members it knows, level by level.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::references::{join, references, resolve};
use super::schema::{SchemaError, options};

/// Names one [`Shape`] of [`Shapes`].
pub(super) type ShapeId = usize;

/// The shapes of one schema document in the words of draft 2020-12; the first is the document's own.
pub(super) struct Shapes {
    all: Vec<Shape>,
}

/// The shape that one schema gives.
#[derive(Default)]
pub(super) struct Shape {
    /// Whether the schema speaks of objects: then members it does not know are strangers.
    pub(super) closed: bool,
    pub(super) properties: HashMap<String, ShapeId>,
    pub(super) patterns: Vec<(Validator, ShapeId)>,
    pub(super) additional: Option<ShapeId>,
    pub(super) unevaluated: Option<ShapeId>,
    pub(super) first_items: Vec<ShapeId>,
    pub(super) items: Option<ShapeId>,
    pub(super) also: Vec<Also>,
}

/// When another schema applies to the same value.
pub(super) enum Also {
    /// Always: `allOf`, `$ref`.
    Always(ShapeId),
    /// Where the value satisfies a schema: `anyOf`, `oneOf`, `if`, and `then` after it.
    Matching(Box<Validator>, ShapeId),
    /// Where the value does not satisfy a schema: `else`.
    Unless(Box<Validator>, ShapeId),
    /// Where the value has the member: `dependentSchemas`.
    Having(String, ShapeId),
}

/// Keywords that speak of objects.
const OF_OBJECTS: [&str; 10] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "required",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
];

impl Shapes {
    /// Reads the shapes of `document`, whose references have been checked.
    pub(super) fn of(document: &Value) -> Result<Self, SchemaError> {
        let validators = options().build_map(document)?;
        let validator_at = |at: &str| validators.get(at).cloned();
        let mut reading =
            Reading { document, validator_at: &validator_at, known: HashMap::new(), all: Vec::new() };
        reading.shape("#".into(), document);
        Ok(Self { all: reading.all })
    }

    /// The shape of that name.
    pub(super) fn shape(&self, id: ShapeId) -> &Shape {
        &self.all[id]
    }
}

struct Reading<'a> {
    document: &'a Value,
    validator_at: &'a dyn Fn(&str) -> Option<Validator>,
    known: HashMap<String, ShapeId>,
    all: Vec<Shape>,
}

impl Reading<'_> {
    /// Reads the shape at `at`, once: schemas may contain themselves.
    fn shape(&mut self, at: String, schema: &Value) -> ShapeId {
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        let id = self.all.len();
        self.all.push(Shape::default());
        self.known.insert(at.clone(), id);
        if let Some(schema) = schema.as_object() {
            self.all[id] = self.read(&at, schema);
        }
        id
    }

    fn read(&mut self, at: &str, schema: &Map<String, Value>) -> Shape {
        let properties = self.named(at, schema, "properties").into_iter().map(|(name, _, id)| (name, id));
        let patterns = self.named(at, schema, "patternProperties").into_iter();
        Shape {
            closed: speaks_of_objects(schema),
            properties: properties.collect(),
            patterns: patterns
                .filter_map(|(pattern, _, id)| Some((pattern_validator(&pattern)?, id)))
                .collect(),
            additional: self.single(at, schema, "additionalProperties"),
            unevaluated: self.single(at, schema, "unevaluatedProperties"),
            first_items: self.listed(at, schema, "prefixItems").into_iter().map(|(_, id)| id).collect(),
            items: self.single(at, schema, "items").or_else(|| self.single(at, schema, "unevaluatedItems")),
            also: self.also(at, schema),
        }
    }

    fn also(&mut self, at: &str, schema: &Map<String, Value>) -> Vec<Also> {
        let mut also = Vec::new();
        for reference in references(schema) {
            if let Some((target, schema)) = resolve(self.document, reference) {
                also.push(Also::Always(self.shape(target, schema)));
            }
        }
        also.extend(self.listed(at, schema, "allOf").into_iter().map(|(_, id)| Also::Always(id)));
        for keyword in ["anyOf", "oneOf"] {
            for (pointer, id) in self.listed(at, schema, keyword) {
                also.extend(self.validator(&pointer).map(|branch| Also::Matching(branch, id)));
            }
        }
        also.extend(self.condition(at, schema));
        let dependent = self.named(at, schema, "dependentSchemas");
        also.extend(dependent.into_iter().map(|(name, _, id)| Also::Having(name, id)));
        also
    }

    fn condition(&mut self, at: &str, schema: &Map<String, Value>) -> Vec<Also> {
        let Some(test) = self.validator(&join(at, "if")) else { return Vec::new() };
        let condition = self.single(at, schema, "if").map(|id| Also::Matching(test.clone(), id));
        let then = self.single(at, schema, "then").map(|id| Also::Matching(test.clone(), id));
        let otherwise = self.single(at, schema, "else").map(|id| Also::Unless(test, id));
        [condition, then, otherwise].into_iter().flatten().collect()
    }

    fn validator(&self, at: &str) -> Option<Box<Validator>> {
        (self.validator_at)(at).map(Box::new)
    }

    fn single(&mut self, at: &str, schema: &Map<String, Value>, keyword: &str) -> Option<ShapeId> {
        Some(self.shape(join(at, keyword), schema.get(keyword)?))
    }

    fn listed(&mut self, at: &str, schema: &Map<String, Value>, keyword: &str) -> Vec<(String, ShapeId)> {
        let at = join(at, keyword);
        let list = schema.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate();
        list.map(|(index, inner)| {
            let pointer = format!("{at}/{index}");
            (pointer.clone(), self.shape(pointer, inner))
        })
        .collect()
    }

    fn named(
        &mut self,
        at: &str,
        schema: &Map<String, Value>,
        keyword: &str,
    ) -> Vec<(String, String, ShapeId)> {
        let at = join(at, keyword);
        let members = schema.get(keyword).and_then(Value::as_object).into_iter().flatten();
        members
            .map(|(name, inner)| {
                let pointer = join(&at, name);
                (name.clone(), pointer.clone(), self.shape(pointer, inner))
            })
            .collect()
    }
}

fn speaks_of_objects(schema: &Map<String, Value>) -> bool {
    let says_object = |kind: &Value| kind == "object";
    let by_type = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(says_object),
        Some(one) => says_object(one),
        None => false,
    };
    by_type || OF_OBJECTS.iter().any(|keyword| schema.contains_key(*keyword))
}

fn pattern_validator(pattern: &str) -> Option<Validator> {
    options().build(&serde_json::json!({"pattern": pattern})).ok()
}
