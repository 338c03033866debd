//! Which setting was probably meant.

use super::catalogue::{Catalogue, Setting};

/// Below this likeness, from 0 to 1, a suggestion would be a guess.
const ALIKE: f64 = 0.7;

/// How much of a likeness is left when only the field is alike, and the section is missing or another one.
const FIELD_ALONE: f64 = 0.9;

/// The setting whose name is most like `name`, with or without its section.
pub(super) fn setting<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Setting> {
    let field = name.rsplit('.').next().unwrap_or(name);
    closest(catalogue, |setting| {
        let (_, field_meant) = setting.section_and_field();
        alike(name, &setting.name).max(alike(field, field_meant) * FIELD_ALONE)
    })
}

/// The setting whose environment variable is most like `variable`, with or without its section.
pub(super) fn variable<'a>(catalogue: &'a Catalogue, variable: &str) -> Option<&'a Setting> {
    let name = variable.trim_start_matches("ENDO_").to_lowercase();
    closest(catalogue, |setting| {
        let (_, field_meant) = setting.section_and_field();
        alike(&name, &setting.name.replace('.', "_")).max(alike(&name, field_meant) * FIELD_ALONE)
    })
}

fn closest(catalogue: &Catalogue, likeness: impl Fn(&Setting) -> f64) -> Option<&Setting> {
    let likely = catalogue.iter().map(|setting| (likeness(setting), setting));
    let alike = likely.filter(|(likeness, _)| *likeness >= ALIKE);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, setting)| setting)
}

fn alike(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}
