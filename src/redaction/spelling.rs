//! Secrets that are made of words, told in words.

use memchr::memmem::find;
use zeroize::Zeroizing;

use super::words::{LONGEST, is_listed};

/// So many letters in a row are no chance.
const SHARED: usize = 8;
/// Nobody guesses so many letters and digits, though all words beside them were told.
const UNTOLD: usize = 8;
/// No word of fewer letters tells anything.
const SHORTEST: usize = 3;

/// A secret as people could spell it.
pub(super) struct Spelling {
    /// Its letters, small ones, without all else; forwards and backwards.
    letters: [Zeroizing<Vec<u8>>; 2],
    /// Whether those who know its words know the secret, or nearly.
    is_of_words: bool,
}

impl Spelling {
    pub(super) fn of(secret: &str) -> Self {
        let folded = |is_such: fn(&u8) -> bool| {
            let mut folded = Zeroizing::new(Vec::with_capacity(secret.len()));
            folded.extend(secret.bytes().filter(is_such).map(|letter| letter.to_ascii_lowercase()));
            let mut backwards = Zeroizing::new(Vec::with_capacity(secret.len()));
            backwards.extend(folded.iter().rev());
            [folded, backwards]
        };
        let whole = folded(u8::is_ascii_alphanumeric);
        let is_of_words = whole.iter().any(|letters| beside_words(letters) < UNTOLD);
        Self { letters: folded(u8::is_ascii_alphabetic), is_of_words }
    }

    fn has(&self, letters: &[u8]) -> bool {
        self.letters.iter().any(|own| find(own, letters).is_some())
    }

    fn has_word(&self, word: &str) -> bool {
        self.is_of_words && word.len() >= SHORTEST && self.has(word.to_ascii_lowercase().as_bytes())
    }
}

/// How many letters and digits there are beside words of the list, as many of which are seen there as can be; or no more than
/// nobody guesses.
fn beside_words(letters: &[u8]) -> usize {
    let mut fewest = vec![0; letters.len() + 1];
    for end in 1..=letters.len() {
        let starts = end.saturating_sub(LONGEST)..(end + 1).saturating_sub(SHORTEST);
        let is_word = |start: &usize| std::str::from_utf8(&letters[*start..end]).is_ok_and(is_listed);
        let before = starts.filter(is_word).map(|start| fewest[start]).min();
        fewest[end] = before.unwrap_or(usize::MAX).min(fewest[end - 1] + 1);
        // Whatever comes, the next word begins at one of these.
        if fewest[end.saturating_sub(LONGEST)..=end].iter().all(|beside| *beside >= UNTOLD) {
            return UNTOLD;
        }
    }
    fewest[letters.len()]
}

/// Leaves out of these words, which are there, those that tell of a secret: the words that it is made of, and all that have to
/// do with eight letters in a row of it, forwards or backwards.
pub(super) fn leave_out(words: &mut [Option<&str>], secrets: &[Spelling]) {
    let is_told = |word: &&str| secrets.iter().any(|secret| secret.has_word(word));
    words.iter_mut().for_each(|word| *word = word.filter(|word| !is_told(word)));
    // What stood on both sides of what is left out may be a part of it together.
    while let Some(row) = words_in_a_row(words, secrets) {
        row.into_iter().for_each(|place| words[place] = None);
    }
}

/// The places of words that eight letters in a row of a secret are in.
fn words_in_a_row(words: &[Option<&str>], secrets: &[Spelling]) -> Option<Vec<usize>> {
    let of_a_word = |(place, word): (usize, &Option<&str>)| {
        let letters = word.unwrap_or_default().to_ascii_lowercase().into_bytes();
        letters.into_iter().map(move |letter| (letter, place))
    };
    let (letters, places): (Vec<_>, Vec<_>) = words.iter().enumerate().flat_map(of_a_word).unzip();
    let mut windows = letters.windows(SHARED);
    let start = windows.position(|row| secrets.iter().any(|secret| secret.has(row)))?;
    Some(places[start..start + SHARED].to_vec())
}
