//! Members that a response schema does not know are taken out of the response.

use serde_json::{Map, Value};

use super::shape::{Also, Shape, ShapeId, Shapes};

/// Takes out of `value`, which satisfies the schema, what `unevaluatedProperties: false` at every object level
/// would reject; tells whether anything went.
///
/// Where no schema speaks of objects (`true`, `{}`), everything stays.
pub(super) fn strip(shapes: &Shapes, value: &mut Value) -> bool {
    Strip { shapes }.value(&[0], value)
}

struct Strip<'a> {
    shapes: &'a Shapes,
}

impl<'a> Strip<'a> {
    fn value(&self, ids: &[ShapeId], value: &mut Value) -> bool {
        if !value.is_object() && !value.is_array() {
            return false;
        }
        let mut applying = Vec::new();
        for id in ids {
            self.collect(*id, value, &mut applying);
        }
        match value {
            Value::Object(members) => {
                applying.iter().any(|shape| shape.closed) && self.object(&applying, members)
            }
            Value::Array(items) => self.array(&applying, items),
            _ => false,
        }
    }

    /// Everything that applies to `value` when the shape `id` does.
    fn collect(&self, id: ShapeId, value: &Value, applying: &mut Vec<&'a Shape>) {
        let shape = self.shapes.shape(id);
        applying.push(shape);
        for also in &shape.also {
            match also {
                Also::Always(id) => self.collect(*id, value, applying),
                Also::Matching(test, id) if test.is_valid(value) => {
                    self.collect(*id, value, applying);
                }
                Also::Unless(test, id) if !test.is_valid(value) => self.collect(*id, value, applying),
                Also::Having(name, id) if value.get(name).is_some() => self.collect(*id, value, applying),
                _ => {}
            }
        }
    }

    fn object(&self, applying: &[&Shape], members: &mut Map<String, Value>) -> bool {
        let mut stripped = false;
        members.retain(|name, value| {
            let known = known_member(applying, name);
            stripped |= known.is_empty() || self.value(&known, value);
            !known.is_empty()
        });
        stripped
    }

    fn array(&self, applying: &[&Shape], items: &mut [Value]) -> bool {
        let mut stripped = false;
        for (index, item) in items.iter_mut().enumerate() {
            let known: Vec<_> = applying
                .iter()
                .filter_map(|shape| shape.first_items.get(index).copied().or(shape.items))
                .collect();
            stripped |= self.value(&known, item);
        }
        stripped
    }
}

/// The shapes that the member `name` has by the schemas that apply to its object.
fn known_member(applying: &[&Shape], name: &str) -> Vec<ShapeId> {
    let known: Vec<_> = applying.iter().flat_map(|shape| member(shape, name)).collect();
    if known.is_empty() { applying.iter().filter_map(|shape| shape.unevaluated).collect() } else { known }
}

fn member(shape: &Shape, name: &str) -> Vec<ShapeId> {
    let text = Value::from(name);
    let matching = shape.patterns.iter().filter(|(pattern, _)| pattern.is_valid(&text)).map(|(_, id)| *id);
    let named: Vec<_> = shape.properties.get(name).copied().into_iter().chain(matching).collect();
    if named.is_empty() { shape.additional.into_iter().collect() } else { named }
}
