//! What a search finds, as JSON text as soon as it is found: parsed it may take many times of that.

use serde_json::Value;

/// A list as JSON text.
#[derive(Debug)]
pub struct Listed {
    text: Vec<u8>,
    len: usize,
}

impl Listed {
    pub(super) fn new() -> Self {
        Self { text: b"[".to_vec(), len: 0 }
    }

    pub(super) fn push(&mut self, found: &Value) {
        if self.len > 0 {
            self.text.push(b',');
        }
        self.len += 1;
        serde_json::to_writer(&mut self.text, found).expect("what was found can be written");
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The list's text.
    pub fn into_json(mut self) -> Vec<u8> {
        self.text.push(b']');
        self.text
    }

    /// The text of an object with the list as its only member. The name needs no escapes.
    pub fn into_member(self, name: &str) -> Vec<u8> {
        let mut text = format!("{{\"{name}\":").into_bytes();
        text.append(&mut self.into_json());
        text.push(b'}');
        text
    }
}
