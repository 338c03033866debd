//! The numbers that a schema takes, and how people are told.

use serde_json::{Map, Value};

/// Where the numbers end on one side.
#[derive(Clone, Copy, PartialEq)]
struct End {
    at: f64,
    /// Whether that one is taken no more.
    is_excluded: bool,
}

/// The numbers that a schema takes; by default all.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Range {
    least: Option<End>,
    most: Option<End>,
}

impl Range {
    pub(super) fn of(schema: &Map<String, Value>) -> Self {
        let least = [End::of(schema, "minimum", "exclusiveMinimum"), End::beyond(schema, "exclusiveMinimum")];
        let most = [End::of(schema, "maximum", "exclusiveMaximum"), End::beyond(schema, "exclusiveMaximum")];
        // Of two at one place, the last one excludes it.
        let ends = |ends: [Option<End>; 2]| ends.into_iter().flatten();
        Self {
            least: ends(least).max_by(|one, other| one.at.total_cmp(&other.at)),
            most: ends(most).rev().min_by(|one, other| one.at.total_cmp(&other.at)),
        }
    }

    /// Whether no number in it has a sign.
    pub(super) fn is_without_sign(self) -> bool {
        self.least.is_some_and(|least| least.at >= 0.0)
    }

    /// The numbers in words, as they follow `a number`; none where all are taken.
    pub(super) fn words(self) -> Option<String> {
        if let (Some(least), Some(most)) = (self.least, self.most)
            && !least.is_excluded
            && !most.is_excluded
        {
            return Some(format!(" from {} to {}", least.at, most.at));
        }
        let least = self.least.map(|End { at, is_excluded }| match is_excluded {
            true => format!("more than {at}"),
            false => format!("{at} or more"),
        });
        let most = self.most.map(|End { at, is_excluded }| match is_excluded {
            true => format!("less than {at}"),
            false => format!("{at} or less"),
        });
        let ends: Vec<_> = least.into_iter().chain(most).collect();
        (!ends.is_empty()).then(|| format!(", {}", ends.join(" and ")))
    }
}

impl End {
    /// By `limit`, which up to draft 4 another keyword excludes.
    fn of(schema: &Map<String, Value>, limit: &str, exclusive: &str) -> Option<Self> {
        let is_excluded = schema.get(exclusive) == Some(&Value::Bool(true));
        schema.get(limit).and_then(Value::as_f64).map(|at| Self { at, is_excluded })
    }

    /// By the keyword that is a limit itself from draft 6 on.
    fn beyond(schema: &Map<String, Value>, exclusive: &str) -> Option<Self> {
        schema.get(exclusive).and_then(Value::as_f64).map(|at| Self { at, is_excluded: true })
    }
}
