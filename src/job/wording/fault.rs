//! One thing that is wrong with a message.

use super::text::{cut, path};

/// One thing that is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the message: a JSON pointer (RFC 6901).
    pub place: String,
    /// The keyword of the schema that is not kept there.
    pub keyword: String,
    /// What that keyword asks for, as people write it; empty where that is no part of them.
    pub argument: String,
    /// What it asks for by name, where it leaves a choice and everything that there is to choose has a name.
    pub choices: Vec<String>,
    /// Where the member is for whose sake it asks for that, as another pointer; none where it asks in any case.
    pub by: Option<String>,
    /// What is wrong, in the original's words.
    pub words: String,
}

impl Fault {
    /// All of it as the sender of the message reads it: of bounded length, a place within the message named so.
    pub fn text(&self) -> String {
        let text = cut(format!("{} {}", path(&self.place), self.words));
        match text.strip_prefix("instance.") {
            Some(rest) => format!("message.{rest}"),
            None => text,
        }
    }
}
