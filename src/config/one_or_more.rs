//! Lists of which there is mostly one item, which may stand alone.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    More(Vec<String>),
}

/// A list of texts, or the one text of a list of one.
///
/// # Errors
/// Those of the format, where it is neither.
pub fn one_or_more<'a, D: Deserializer<'a>>(written: D) -> Result<Vec<String>, D::Error> {
    Ok(match Written::deserialize(written)? {
        Written::One(text) => vec![text],
        Written::More(texts) => texts,
    })
}
