//! Which topics of messages a reader wants: `device*`, and without `-*-status*`.

use std::borrow::Cow;

use serde_json::Value;

/// A text of more bytes is no topic: it is compared with every pattern.
const LONGEST: usize = 1 << 10;

/// The topics that match one of the patterns and none of those with a `-` before them; all, where no others are there.
#[derive(Debug)]
pub(super) struct Topics {
    named: Vec<Pattern>,
    skipped: Vec<Pattern>,
}

impl Topics {
    /// Topics that these patterns stand for.
    pub(super) fn of(patterns: Vec<String>) -> Self {
        let (skipped, named): (Vec<_>, Vec<_>) =
            patterns.into_iter().partition(|pattern| pattern.starts_with('-'));
        Self {
            named: named.iter().map(|pattern| Pattern::of(pattern)).collect(),
            skipped: skipped.iter().map(|pattern| Pattern::of(&pattern[1..])).collect(),
        }
    }

    /// Whether a message with this `topic` is wanted. One without is as one whose topic is empty.
    pub(super) fn want(&self, topic: Option<&Value>) -> bool {
        let topic = text(topic);
        let matches = |pattern: &Pattern| pattern.matches(&topic);
        let is_named = self.named.is_empty() || self.named.iter().any(matches);
        is_named && !self.skipped.iter().any(matches)
    }
}

fn text(topic: Option<&Value>) -> Cow<'_, str> {
    match topic {
        Some(Value::String(topic)) if topic.len() <= LONGEST => topic.into(),
        Some(topic @ (Value::Number(_) | Value::Bool(_))) => topic.to_string().into(),
        _ => "".into(),
    }
}

/// The texts between the stars of a pattern; a star stands for any text.
#[derive(Debug)]
struct Pattern(Vec<String>);

impl Pattern {
    fn of(pattern: &str) -> Self {
        Self(pattern.split('*').map(str::to_owned).collect())
    }

    /// In time proportional to the topic: each text is looked for behind the one before.
    fn matches(&self, topic: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, between)) = rest.split_last() else { return topic == first };
        let inner = topic.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
        let after = |rest: &'_ str, text: &String| rest.find(text.as_str()).map(|at| at + text.len());
        inner.is_some_and(|inner| {
            between.iter().try_fold(inner, |rest, text| after(rest, text).map(|at| &rest[at..])).is_some()
        })
    }
}
