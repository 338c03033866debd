//! Regular expressions whose matching is paid for as it goes on, so that it can be given up anywhere in a text.

use std::cell::RefCell;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

use super::QueryError;
use crate::bus::embedded::effort::{Effort, Spent};

/// The longest text of an expression, in bytes.
pub(super) const MAX_TEXT: usize = 1_000;
/// The most that it may take in memory, in bytes.
const MAX_BYTES: usize = 1 << 20;
const MAX_NESTING: u32 = 50;
/// What may be remembered of texts that were looked at, in bytes.
const REMEMBERED: usize = 256 << 10;
/// What has as many states as these takes the time of one comparison for a byte that it has not met.
const STATES_A_STEP: usize = 2;
/// The most steps of a match that cannot be given up once it has begun.
const AT_A_STRETCH: usize = 5_000_000;

/// A regular expression; it takes time in proportion to its own size and to the text.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    states: NFA,
    /// Makes of the states that one can be in at once a single one, when a text leads there for the first time.
    walker: DFA,
    met: RefCell<Cache>,
}

/// Where a text led.
enum Led {
    To(bool),
    /// Among letters beyond ASCII an expression with word boundaries has to be matched state by state.
    Astray,
}

impl Pattern {
    /// Reads an expression with the options of `$options`, which are letters of `imsx`.
    ///
    /// # Errors
    /// [`QueryError::BadRegex`], or [`QueryError::BadOperand`] for the options.
    pub(super) fn parse(pattern: &str, options: &str) -> Result<Self, QueryError> {
        let mut syntax = syntax::Config::new().nest_limit(MAX_NESTING);
        for option in options.chars() {
            syntax = match option {
                'i' => syntax.case_insensitive(true),
                'm' => syntax.multi_line(true),
                's' => syntax.dot_matches_new_line(true),
                'x' => syntax.ignore_whitespace(true),
                _ => return Err(super::parse::BAD_OPTIONS),
            };
        }
        if pattern.len() > MAX_TEXT {
            return Err(QueryError::BadRegex);
        }
        let limits =
            thompson::Config::new().nfa_size_limit(Some(MAX_BYTES)).which_captures(WhichCaptures::None);
        let states = NFA::compiler().syntax(syntax).configure(limits).build(pattern);
        let states = states.map_err(|_| QueryError::BadRegex)?;
        let limits = DFA::config()
            .match_kind(MatchKind::LeftmostFirst)
            .unicode_word_boundary(true)
            .cache_capacity(REMEMBERED)
            .skip_cache_capacity_check(true);
        let walker = DFA::builder().configure(limits).build_from_nfa(states.clone());
        let walker = walker.map_err(|_| QueryError::BadRegex)?;
        let met = RefCell::new(walker.create_cache());
        Ok(Self { states, walker, met })
    }

    /// What it takes in memory, in bytes, without what is remembered of texts.
    pub(super) fn bytes(&self) -> usize {
        self.states.memory_usage()
    }

    /// Whether it matches somewhere in `text`.
    ///
    /// # Errors
    /// When telling that takes more than there is of `effort`.
    pub(super) fn is_match(&self, text: &str, effort: &Effort) -> Result<bool, Spent> {
        match self.lead(text, effort)? {
            Led::To(is_match) => Ok(is_match),
            Led::Astray => self.match_at_a_stretch(text, effort),
        }
    }

    fn lead(&self, text: &str, effort: &Effort) -> Result<Led, Spent> {
        let met = &mut *self.met.borrow_mut();
        let Ok(mut here) = self.walker.start_state_forward(met, &Input::new(text)) else {
            return Ok(Led::Astray);
        };
        for byte in text.bytes() {
            let known = self.walker.next_state_untagged(met, here, byte);
            here = if known.is_unknown() {
                effort.spend(self.steps_of_new())?;
                let Ok(new) = self.walker.next_state(met, here, byte) else { return Ok(Led::Astray) };
                new
            } else {
                effort.spend(1)?;
                known
            };
            if here.is_tagged() {
                match () {
                    () if here.is_match() => return Ok(Led::To(true)),
                    () if here.is_dead() => return Ok(Led::To(false)),
                    () => return Ok(Led::Astray),
                }
            }
        }
        effort.spend(self.steps_of_new())?;
        Ok(self.walker.next_eoi_state(met, here).map_or(Led::Astray, |end| Led::To(end.is_match())))
    }

    /// What it takes to tell where a byte leads that was not met there before.
    fn steps_of_new(&self) -> u64 {
        (1 + self.states.states().len() / STATES_A_STEP) as u64
    }

    fn match_at_a_stretch(&self, text: &str, effort: &Effort) -> Result<bool, Spent> {
        let steps = text.len().saturating_mul(1 + self.states.states().len() / STATES_A_STEP);
        if steps > AT_A_STRETCH {
            return Err(Spent);
        }
        effort.spend(steps as u64)?;
        effort.look()?;
        let machine = PikeVM::new_from_nfa(self.states.clone()).map_err(|_| Spent)?;
        Ok(machine.is_match(&mut machine.create_cache(), text))
    }
}
