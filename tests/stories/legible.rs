//! What people see of a text that somebody chose.

use endo::legible::{Deceptive, check, marked, seen};

/// Texts all of which people see.
const SEEN: &[(&str, &str)] = &[
    ("Latin", "Zoë’s flow (2)"),
    ("Persian", "می\u{200c}خواهم"),
    ("Persian, behind a Latin word", "PDF\u{200c}ها"),
    ("Arabic", "ـه\u{200d}ا ۝٤"),
    ("Devanagari", "क्\u{200d}ष क्\u{200c}ष"),
    ("Bengali", "র\u{200d}্যাম"),
    ("Sinhala", "ශ්\u{200d}රී ලංකා"),
    ("Malayalam, at the end of a word", "അവന്\u{200d} പറഞ്ഞു"),
    ("Mongolian", "ᠮᠣᠩᠭᠣᠯ ᠪᠠ\u{180b}"),
    ("Hebrew", "חתול (2"),
    ("a form of a Japanese name", "葛\u{e0100}城"),
    ("somebody at a computer", "👩🏽\u{200d}💻"),
    ("a family", "👨\u{200d}👩\u{200d}👧\u{200d}👦"),
    ("a heart on fire", "❤\u{fe0f}\u{200d}🔥"),
    ("somebody who shrugs", "🤷🏿\u{200d}♂\u{fe0f} maybe"),
    ("the cap of a key", "1\u{fe0f}\u{20e3} first"),
    ("a country's flag", "🇮🇷"),
    ("a flag of many colours", "🏳\u{fe0f}\u{200d}🌈"),
    ("Scotland's flag", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} flow"),
];

/// Texts with one character that people do not see, and what they see.
const UNSEEN: &[(&str, &str, &str)] = &[
    ("an override", "gnit\u{202e}irw", "gnitirw"),
    ("an isolate", "a\u{2066}b", "ab"),
    ("a mark", "a\u{200f}b", "ab"),
    ("an Arabic mark", "\u{628}\u{61c}\u{628}", "\u{628}\u{628}"),
    ("a blank without room", "te\u{200b}am", "team"),
    ("a byte order mark", "\u{feff}team", "team"),
    ("a soft hyphen", "te\u{ad}am", "team"),
    ("a joiner that joins nothing", "te\u{200d}am", "team"),
    ("a joiner between a letter and a picture", "a\u{200d}👩", "a👩"),
    ("a joiner before a blank", "می\u{200c} خواهم", "می خواهم"),
    ("a joiner behind a blank", "می \u{200c}خواهم", "می خواهم"),
    ("a joiner at the end", "👩\u{200d}", "👩"),
    ("a joiner at the beginning", "\u{200d}ක", "ක"),
    ("a second joiner", "👩\u{200d}\u{200d}💻", "👩\u{200d}💻"),
    ("a selector of nothing", "team\u{fe0f}", "team"),
    ("a selector behind a figure", "1\u{fe0f}", "1"),
    ("a second selector", "❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
    ("a letter of a flag", "team\u{e0067}", "team"),
    ("a filler", "\u{3164}", ""),
    ("an empty pattern", "\u{2800}", ""),
    ("a control character", "te\u{7}am", "team"),
    ("the end of a line", "two\nlines", "two lines"),
    ("the end of a paragraph", "two\u{2029}lines", "two lines"),
];

#[test]
fn all_is_left_of_what_people_see_in_whatever_script() {
    for (what, text) in SEEN {
        assert_eq!(seen(text).collect::<String>(), *text, "{what}");
        assert_eq!(marked(text), *text, "{what}");
        assert_eq!(check(text), Ok(()), "{what}");
    }
}

#[test]
fn what_nobody_sees_is_left_out_marked_or_refused() {
    for (what, text, shown) in UNSEEN {
        assert_eq!(seen(text).collect::<String>(), *shown, "{what}");
        assert_eq!(marked(text).matches('?').count(), 1, "{what}");
        assert!(check(text).is_err(), "{what}");
        assert_eq!(seen(shown).collect::<String>(), *shown, "{what}: all is seen of what is left");
    }
}

#[test]
fn whoever_typed_it_is_told_where_it_is() {
    let refused = check("zoë\u{202e}").unwrap_err();
    assert_eq!(refused, Deceptive { place: 4, code: 0x202e });
    assert_eq!(
        refused.to_string(),
        "its character 4, U+202E, shows nothing or turns the direction of text; leave it out"
    );
}

#[test]
fn names_that_look_the_same_are_the_same_however_they_were_typed() {
    for (what, typed, name) in [
        ("composed", "Zo\u{eb} caf\u{e9}", "Zo\u{eb} caf\u{e9}"),
        ("decomposed", "Zoe\u{308} cafe\u{301}", "Zo\u{eb} caf\u{e9}"),
        ("Hangul in parts", "\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ("marks in another order", "a\u{301}\u{323}", "\u{1ea1}\u{301}"),
        ("a sign for a letter", "10 \u{2126}", "10 \u{3a9}"),
        ("a blank that breaks no line", "two\u{a0}words", "two words"),
        ("blanks of other widths", "two\u{2003}\u{3000}words", "two words"),
        ("doubled blanks", "  two   words ", "two words"),
    ] {
        assert_eq!(endo::legible::name(typed).as_deref(), Ok(name), "{what}");
    }
    for (what, text) in SEEN {
        assert_eq!(endo::legible::name(text).as_deref(), Ok(*text), "{what}");
    }
    assert_eq!(endo::legible::name("zoe\u{308}\u{202e}"), Err(Deceptive { place: 5, code: 0x202e }));
}
