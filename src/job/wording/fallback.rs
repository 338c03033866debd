//! Words for what the walk has no words for: keywords that came after the original.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::fault::Fault;
use super::text::quoted;

/// What the validator finds and the walk cannot word; or `everything` it finds.
pub(super) fn faults(validator: &Validator, instance: &Value, everything: bool) -> Vec<Fault> {
    let unworded = validator.iter_errors(instance).filter(|error| everything || is_unworded(error.kind()));
    unworded.take(100).map(|error| fault(&error)).collect()
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

fn fault(error: &ValidationError<'_>) -> Fault {
    let argument = match error.kind() {
        Kind::Required { property: Value::String(name) } => name.clone(),
        _ => String::new(),
    };
    Fault {
        place: error.instance_path().as_str().to_owned(),
        keyword: error.kind().keyword().to_owned(),
        argument,
        choices: Vec::new(),
        by: None,
        words: words(error.kind()),
    }
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
