//! Words for what the walk has no words for: keywords that came after the original.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::text::{cut, quoted, step};

/// What the validator finds and the walk cannot word; or `everything` it finds.
pub(super) fn texts(validator: &Validator, instance: &Value, everything: bool) -> Vec<String> {
    let unworded = validator.iter_errors(instance).filter(|error| everything || is_unworded(error.kind()));
    unworded.take(100).map(|error| text(&error)).collect()
}

/// The first thing that the validator finds, without any value.
pub(in super::super) fn first_fault(validator: &Validator, instance: &Value) -> String {
    cut(validator.iter_errors(instance).next().map(|error| text(&error)).unwrap_or_default())
}

fn is_unworded(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Contains
            | Kind::PropertyNames { .. }
            | Kind::UnevaluatedItems { .. }
            | Kind::UnevaluatedProperties { .. }
            | Kind::ContentEncoding { .. }
            | Kind::ContentMediaType { .. }
    )
}

fn text(error: &ValidationError<'_>) -> String {
    let mut path = String::from("instance");
    for segment in error.instance_path().segments() {
        match segment {
            LocationSegment::Property(name) => path.push_str(&step(&name)),
            LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    format!("{path} {}", words(error.kind()))
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::UniqueItems => "contains duplicate item".into(),
        Kind::Contains => "must contain an item matching given schema".into(),
        Kind::Required { property: Value::String(name) } => format!("requires property {}", quoted(name)),
        Kind::FalseSchema => "is not allowed".into(),
        Kind::UnevaluatedProperties { unexpected } => {
            format!("is not allowed to have the property {}", unexpected.join(","))
        }
        other => format!("does not satisfy {}", quoted(other.keyword())),
    }
}
