//! Which name was probably meant.

/// Below this likeness, from 0 to 1, a suggestion would be a guess.
const ALIKE: f64 = 0.7;

/// The candidate most like `name`, if one is like enough. A name without its section is found too.
pub(super) fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (likeness(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate.to_owned())
}

fn likeness(name: &str, candidate: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(name, candidate);
    let field = strsim::normalized_damerau_levenshtein(field(name), field(candidate));
    // A field of the same name in another section is a good guess, but a worse one than the whole name.
    whole.max(field * 0.9)
}

fn field(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
