//! What is due at a host where many calls fail, or that is full but for whose last call was taken: what lines have whose last call was taken, and, a few at a time, what others have,
//! of which those that are new, those that fail and have rested, and those that were forgotten have their turns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::handed::{Waiting, Wanted, one_of_each};
use super::keys::DeviceAtHost;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::columns::text;
use crate::store::{LineKey, StoreError, View, WebhookKey};

/// Who is called at a host where not everybody is.
#[derive(Debug)]
pub struct Rationed {
    pub(super) trials: NextTrials,
    well: Vec<LineKey>,
    failing: Vec<FailingLine>,
    away: HashSet<Arc<str>>,
    known: HashSet<Arc<str>>,
}

/// A line that fails, and has no call in hand.
#[derive(Debug)]
pub struct FailingLine {
    /// Whether it is called for a trial alone: those come first that are not.
    pub is_left_alone: bool,
    /// Whether its calls were taken before: of the others those come first.
    pub was_taken: bool,
    /// Which call it had last.
    pub last_call: u64,
    /// The line.
    pub line: LineKey,
}

/// Who is tried next there of those whose last call was not taken.
#[derive(Debug)]
pub struct NextTrials {
    /// How many may be tried now.
    pub room: usize,
    /// The devices of which no more are tried now.
    pub with_their_share: HashSet<DeviceUuid>,
    /// How many were tried before.
    pub turn: usize,
    /// The webhook that was tried last of which nothing was known.
    pub last_unknown: Option<WebhookKey>,
    /// How many may be tried of which nothing is known though they had a call before.
    pub forgotten: usize,
    /// How long it is until these may be.
    pub forgotten_in: Duration,
}

impl Rationed {
    /// Nobody is known yet.
    pub fn of(trials: NextTrials) -> Self {
        let (well, failing) = (Vec::new(), Vec::new());
        Self { trials, well, failing, away: HashSet::new(), known: HashSet::new() }
    }

    /// Nobody is tried: whose last call was taken is called alone.
    pub fn try_nobody(&mut self) {
        self.trials.room = 0;
    }

    /// This line's last call was taken.
    pub fn is_well(&mut self, line: &LineKey) {
        self.well.push(line.clone());
        self.known.insert(line.text.clone());
    }

    /// This line fails.
    pub fn fails(&mut self, failing: FailingLine) {
        self.known.insert(failing.line.text.clone());
        self.failing.push(failing);
    }

    /// This line has a call in hand.
    pub fn has_a_call(&mut self, line: &LineKey) {
        self.known.insert(line.text.clone());
    }

    /// Nobody was to be reached at this webhook.
    pub fn is_away(&mut self, webhook: &WebhookKey) {
        self.away.insert(webhook.text.clone());
    }

    /// Whether no more is tried of the device whose webhook this is.
    fn has_its_share(&self, webhook: &str) -> bool {
        self.trials.with_their_share.contains(&DeviceAtHost::with(webhook).device)
    }

    /// Whether nothing is known of a line.
    fn is_unknown(&self, line: &str, webhook: &str) -> bool {
        !self.known.contains(line) && !self.away.contains(webhook)
    }
}

/// A look at what is due at one such host.
struct Search<'a> {
    view: &'a View<'a>,
    rationed: &'a Rationed,
    wanted: Wanted<'a>,
    /// The queues of its webhooks are between these.
    queues: [String; 2],
}

impl View<'_> {
    /// What is due at `host`, whose calls are rationed.
    pub(super) fn due_at_rationed(
        &self,
        host: &str,
        rationed: &Rationed,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Waiting>, StoreError> {
        let queues = [format!("{host} "), format!("{host}!")];
        let search = Search { view: self, rationed, wanted, queues };
        let (mut due, trials) = (search.due_of_well()?, search.trials()?);
        // However much these have, what is tried has its part.
        due.truncate(wanted.most - trials.len().min(wanted.most / 2));
        due.extend(trials);
        due.truncate(wanted.most);
        Ok(due)
    }
}

impl Search<'_> {
    /// One of each webhook and then the next of each, first who waits longest, and those last who have a call in hand.
    fn due_of_well(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut standing = Vec::new();
        for line in &self.rationed.well {
            if let Some(since) = self.stands_since(&line.text, &line.webhook.text)? {
                standing.push((self.wanted.but.last_turn_of(&line.text), since, line));
            }
        }
        standing.sort_by_key(|(last_turn, since, _)| (*last_turn, *since));
        let mut at_webhook: HashMap<&str, usize> = HashMap::new();
        let mut in_turn = Vec::new();
        for (_, _, line) in standing {
            let place = at_webhook.entry(&line.webhook.text).or_default();
            *place += 1;
            in_turn.push((*place, &line.text));
        }
        in_turn.sort_by_key(|(place, _)| *place);
        let first = in_turn.into_iter().take(self.wanted.most);
        let of_each = first.map(|(_, line)| self.view.due_in_line_at_webhook(line, self.wanted));
        let of_each = of_each.collect::<Result<Vec<_>, _>>()?;
        Ok(one_of_each(&of_each).collect())
    }

    /// One of each line that may be tried now: by turns of those that are new, that failed and rested, and that were forgotten.
    fn trials(&self) -> Result<Vec<Waiting>, StoreError> {
        if self.rationed.trials.room == 0 {
            return Ok(Vec::new());
        }
        let mut kinds = [self.new_ones()?, self.rested_ones()?, self.forgotten_ones()?];
        kinds.rotate_left(self.rationed.trials.turn % 3);
        let longest = kinds.iter().map(Vec::len).max().unwrap_or_default();
        let one_of_each = (0..longest).flat_map(|place| kinds.iter().filter_map(move |kind| kind.get(place)));
        let (mut due, mut seen) = (Vec::new(), HashSet::new());
        for line in one_of_each.take(self.rationed.trials.room) {
            if seen.insert(line) {
                due.extend(self.view.due_in_line_at_webhook(line, Wanted { most: 1, ..self.wanted })?);
            }
        }
        Ok(due)
    }

    /// Those that have had no call since something waits in them, first who waits longest.
    fn new_ones(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT who, queue FROM turns
                   WHERE queue > ?1 AND queue < ?2 AND had_at = 0 AND since <= ?3 ORDER BY since, who";
        self.unknown(sql, &self.queues[0], self.rationed.trials.room)
    }

    /// Some of those of which nothing is known, whether they had a call or not: the first at the webhooks after the one before.
    fn forgotten_ones(&self) -> Result<Vec<String>, StoreError> {
        if !self.rationed.trials.forgotten_in.is_zero() {
            return Ok(Vec::new());
        }
        let sql = "SELECT who, queue FROM turns
                   WHERE queue > ?1 AND queue < ?2 AND since <= ?3 ORDER BY queue, since, who";
        if let Some(last) = &self.rationed.trials.last_unknown {
            let next = self.unknown(sql, &last.text, self.rationed.trials.forgotten)?;
            if !next.is_empty() {
                return Ok(next);
            }
        }
        self.unknown(sql, &self.queues[0], self.rationed.trials.forgotten)
    }

    /// So many at most of the lines that `sql` finds at webhooks after this one, of which nothing is known.
    fn unknown(&self, sql: &str, after: &str, most: usize) -> Result<Vec<String>, StoreError> {
        let mut statement = self.view.prepare(sql)?;
        let mut rows = statement.query((after, &self.queues[1], self.wanted.now))?;
        let mut found = Vec::new();
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let (line, webhook) = (text(row, 0)?, text(row, 1)?);
            if self.rationed.is_unknown(line, webhook) && self.may_be_tried(line, webhook) {
                found.push(line.to_owned());
            }
        }
        Ok(found)
    }

    /// Those that failed and do not rest, first who is not left alone, then who was taken before, then who was called before the
    /// others; and of each webhook at which nobody was to be reached the first.
    fn rested_ones(&self) -> Result<Vec<String>, StoreError> {
        let mut failing: Vec<_> = self.rationed.failing.iter().collect();
        failing
            .sort_unstable_by_key(|failing| (failing.is_left_alone, !failing.was_taken, failing.last_call));
        let mut rested = Vec::new();
        for FailingLine { line, .. } in failing {
            if rested.len() >= self.rationed.trials.room {
                return Ok(rested);
            }
            let webhook = &line.webhook.text;
            if !self.rationed.has_its_share(webhook) {
                let since = self.stands_since(&line.text, webhook)?;
                rested.extend(since.map(|_| line.text.to_string()));
            }
        }
        let sql = "SELECT who FROM turns WHERE queue = ?1 AND since <= ?2 ORDER BY since, who LIMIT 1";
        for webhook in self.rationed.away.iter().filter(|webhook| self.may_be_tried("", webhook)) {
            rested.extend(self.view.first(sql, (webhook, self.wanted.now), |row| row.get::<_, String>(0))?);
        }
        Ok(rested)
    }

    /// Since when a line waits for its turn, unless it is left out.
    fn stands_since(&self, line: &str, webhook: &str) -> Result<Option<Timestamp>, StoreError> {
        if self.is_left_out(line, webhook) {
            return Ok(None);
        }
        let sql = "SELECT since FROM turns WHERE who = ?1 AND since <= ?2";
        self.view.first(sql, (line, self.wanted.now), |row| row.get(0))
    }

    fn may_be_tried(&self, line: &str, webhook: &str) -> bool {
        !self.rationed.has_its_share(webhook) && !self.is_left_out(line, webhook)
    }

    fn is_left_out(&self, line: &str, webhook: &str) -> bool {
        self.wanted.but.has_line(line) || self.wanted.passes_over_device_of(webhook)
    }
}
