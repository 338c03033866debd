//! Which name was probably meant.

use super::catalogue::{Catalogue, Setting};

/// Below this likeness, from 0 to 1, a suggestion would be a guess.
const ALIKE: f64 = 0.6;

/// The same of settings, all of whose names are alike that begin with the same section.
const SETTINGS_ALIKE: f64 = 0.7;

/// How much of a likeness is left when only the field is alike, and the section is missing or another one.
const FIELD_ALONE: f64 = 0.9;

/// The known name that is most like `name`, if one is like it at all.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a String>) -> Option<&'a String> {
    most_alike(known, ALIKE, |known| alike(name, known))
}

/// What to say after the mention of a name that means nothing; nothing where there is no suggestion.
pub fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The setting whose name is most like `name`, with or without its section.
pub(super) fn setting<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Setting> {
    let field = name.rsplit('.').next().unwrap_or(name);
    most_alike(catalogue.iter(), SETTINGS_ALIKE, |setting| {
        let (_, field_meant) = setting.section_and_field();
        alike(name, &setting.name).max(alike(field, field_meant) * FIELD_ALONE)
    })
}

/// The setting whose environment variable is most like `variable`, with or without its section.
pub(super) fn variable<'a>(catalogue: &'a Catalogue, variable: &str) -> Option<&'a Setting> {
    let name = variable.trim_start_matches("ENDO_").to_lowercase();
    most_alike(catalogue.iter(), SETTINGS_ALIKE, |setting| {
        let (_, field_meant) = setting.section_and_field();
        alike(&name, &setting.name.replace('.', "_")).max(alike(&name, field_meant) * FIELD_ALONE)
    })
}

fn most_alike<'a, T>(
    known: impl IntoIterator<Item = &'a T>,
    least: f64,
    likeness: impl Fn(&T) -> f64,
) -> Option<&'a T> {
    let likely = known.into_iter().map(|one| (likeness(one), one));
    let alike = likely.filter(|(likeness, _)| *likeness >= least);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, one)| one)
}

fn alike(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}
