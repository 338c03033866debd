//! The forms in which a secret is looked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::readings::{closed_up, is_escaped, read, unescaped};

/// Anything shorter, such as `basic`, is a word that may stand anywhere.
pub(super) const SHORTEST: usize = 8;

/// What stays as it is in a form (WHATWG URL, `application/x-www-form-urlencoded`).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// What to look for where this secret may be: itself, however short, and what it is encoded as, where that is not too short to
/// be told from words. None of it is empty.
pub(super) fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = hexadecimal(secret).to_vec();
    // What proves who a client is, is encoded twice (RFC 6749, 2.3.1).
    for secret in [Some(Zeroizing::new(secret.to_owned())), as_in_a_form(secret)].into_iter().flatten() {
        forms.extend((0..3).flat_map(|before| in_base64(&secret, before)));
    }
    forms.push(Zeroizing::new(secret.to_owned()));
    // A sign of it that was not escaped may look as if it were: a plus most of all, which stands for itself elsewhere than in
    // forms.
    let escaped = forms.iter().filter(|form| is_escaped(form.as_bytes()));
    let as_if_escaped: Vec<_> = escaped.filter_map(|form| text(&read(form.as_bytes(), unescaped))).collect();
    let with_blanks: Vec<_> = forms.iter().filter_map(|form| replaced(form, "+", " ")).collect();
    forms.extend(as_if_escaped.into_iter().chain(with_blanks));
    forms.retain(|form| form.len() >= SHORTEST || (**form == secret && !secret.is_empty()));
    forms.sort_unstable_by(|one, other| one.as_str().cmp(other));
    forms.dedup();
    forms
}

/// No form of this secret is shorter, in bytes; to know that takes none of them.
pub(super) fn shortest_form(secret: &str) -> usize {
    // Encoded it is longer; read as if it were escaped it may be shorter.
    if is_escaped(secret.as_bytes()) { secret.len().min(SHORTEST) } else { secret.len() }
}

/// In small letters and in capitals.
fn hexadecimal(secret: &str) -> [Zeroizing<String>; 2] {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are a digit");
    let mut small = Zeroizing::new(String::with_capacity(2 * secret.len()));
    small.extend(secret.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    let mut capitals = small.clone();
    capitals.make_ascii_uppercase();
    [small, capitals]
}

/// None where it is the same in a form.
fn as_in_a_form(secret: &str) -> Option<Zeroizing<String>> {
    let encoded = Zeroizing::new(utf8_percent_encode(secret, FORM).to_string());
    let encoded = replaced(&encoded, "%20", "+").unwrap_or(encoded);
    (*encoded != secret).then_some(encoded)
}

/// The letters that `secret` alone gives, in both alphabets where they differ, where so many bytes stand before it (modulo 3).
fn in_base64(secret: &str, before: usize) -> impl Iterator<Item = Zeroizing<String>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(before + secret.len()));
    whole.resize(before, 0);
    whole.extend_from_slice(secret.as_bytes());
    let (first, end) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
    let letters = Zeroizing::new(STANDARD_NO_PAD.encode(&*whole));
    let standard = Zeroizing::new(letters[first.min(end)..end].to_owned());
    let minus = replaced(&standard, "+", "-");
    let url = replaced(minus.as_ref().unwrap_or(&standard), "/", "_").or(minus);
    [Some(standard), url].into_iter().flatten()
}

/// None where nothing is replaced.
fn replaced(text: &str, what: &str, by: &str) -> Option<Zeroizing<String>> {
    text.contains(what).then(|| Zeroizing::new(text.replace(what, by)))
}

/// These forms with nothing that divides them, as they are looked for in what is divided itself.
pub(super) fn closed<'a>(forms: impl IntoIterator<Item = &'a str>) -> Vec<Zeroizing<Vec<u8>>> {
    let mut closed: Vec<_> = forms.into_iter().map(|form| read(form.as_bytes(), closed_up)).collect();
    closed.retain(|form| form.len() >= SHORTEST);
    closed.sort_unstable_by(|one, other| one.as_slice().cmp(other));
    closed.dedup();
    closed
}

fn text(bytes: &[u8]) -> Option<Zeroizing<String>> {
    std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}
