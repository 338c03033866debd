//! What a form asks: one field for each value that the schema describes.

use serde_json::Value;

use super::formats::Format;
use super::range::Range;

/// One value that a form asks for.
pub(super) struct Field {
    /// The JSON Pointer of the value in the message, which names its controls: `/data/username`.
    pub(super) name: String,
    /// The name of the member that holds it.
    pub(super) key: String,
    /// Its number in the form, for the ids of its elements.
    pub(super) number: usize,
    /// What people call it.
    pub(super) title: String,
    /// Whether the title is only for those who hear the page.
    pub(super) is_title_hidden: bool,
    /// What it is for.
    pub(super) description: Option<String>,
    /// What an answer may look like.
    pub(super) placeholder: Option<String>,
    /// Whether a message without it is refused.
    pub(super) is_required: bool,
    /// Whether `null` is an answer.
    pub(super) is_nullable: bool,
    /// What the form holds at first.
    pub(super) default: Option<Value>,
    /// How it is asked for.
    pub(super) kind: Kind,
}

/// How a value is asked for.
pub(super) enum Kind {
    /// A text.
    Text(TextKind),
    /// A number.
    Number(NumberKind),
    /// A box to tick: `true`, or `false`.
    Flag,
    /// One of several values.
    Choice { choices: Vec<Choice>, as_radios: bool },
    /// Some of several values, as an array.
    Several(Vec<Choice>),
    /// An array of simple values, one a line.
    Lines(Item),
    /// Nothing to ask: there is one value.
    Fixed(Value),
    /// An object of more fields.
    Group(Vec<Part>),
    /// Anything else, as JSON.
    Json,
}

/// A text's ways.
#[derive(Clone, Copy, Default)]
pub(super) struct TextKind {
    /// Which of those that are checked it has, if any.
    pub(super) format: Option<&'static Format>,
    pub(super) has_lines: bool,
    pub(super) is_secret: bool,
    /// Whether the schema says itself that no text is one, too.
    pub(super) may_be_empty: bool,
}

/// A number's ways.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct NumberKind {
    pub(super) is_whole: bool,
    pub(super) range: Range,
}

impl NumberKind {
    /// What to write, as it follows an article; none where every number will do.
    pub(super) fn wanted(self) -> Option<String> {
        let what = if self.is_whole { "whole number" } else { "number" };
        match self.range.words() {
            Some(range) => Some(format!("{what}{range}")),
            None => self.is_whole.then(|| what.to_owned()),
        }
    }
}

/// What the lines of an array are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Text,
    Number,
    Whole,
}

/// One value to choose.
pub(super) struct Choice {
    pub(super) value: Value,
    pub(super) title: String,
}

impl Choice {
    /// What its control posts.
    pub(super) fn posts(&self) -> String {
        self.value.to_string()
    }
}

/// What stands in a group.
pub(super) enum Part {
    Field(Box<Field>),
    /// A text between the fields.
    Note(String),
    /// The title of what follows.
    Title(String),
}

impl Part {
    pub(super) fn field(&self) -> Option<&Field> {
        match self {
            Self::Field(field) => Some(field),
            Self::Note(_) | Self::Title(_) => None,
        }
    }
}

impl Field {
    /// The id of the control that people fill in.
    pub(super) fn id(&self) -> String {
        format!("f{}", self.number)
    }

    /// This field, and all that are in it.
    pub(super) fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        if let Kind::Group(parts) = &self.kind {
            parts.iter().filter_map(Part::field).for_each(|field| field.visit(see));
        }
    }

    /// Whether it, or a field in it, holds something at first.
    pub(super) fn has_default(&self) -> bool {
        let mut has = false;
        self.visit(&mut |field| has |= field.default.is_some());
        has
    }
}
