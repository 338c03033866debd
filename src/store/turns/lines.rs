//! Start-time fair queueing: lines that wait side by side, of which that comes next for which the least time was taken.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

/// Lines of what waits, one for each name. A line that had nothing waiting begins where those stand that wait: it is not
/// behind for what was taken before, nor ahead because nothing was.
pub(super) struct Lines<K, W> {
    lines: HashMap<K, Line<W>>,
    /// Those that have something waiting.
    order: BTreeMap<Place, K>,
    /// Those that have nothing waiting any more, until the others have come as far.
    idle: BTreeMap<Place, K>,
    /// How far all have come that wait.
    present: Duration,
    arrivals: u64,
    waiting: usize,
}

/// What was taken, how many turns are under way for which nothing was taken yet, and who came first.
type Place = (Duration, usize, u64);

struct Line<W> {
    taken: Duration,
    under_way: usize,
    waiting: VecDeque<(u64, W)>,
    place: Option<Place>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self { taken: Duration::ZERO, under_way: 0, waiting: VecDeque::new(), place: None }
    }
}

impl<K: Clone + Eq + Hash, W> Lines<K, W> {
    pub(super) fn new() -> Self {
        Self {
            lines: HashMap::new(),
            order: BTreeMap::new(),
            idle: BTreeMap::new(),
            present: Duration::ZERO,
            arrivals: 0,
            waiting: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many wait in this line.
    pub(super) fn of(&self, name: &K) -> usize {
        self.lines.get(name).map_or(0, |line| line.waiting.len())
    }

    /// Takes all that is not to be kept out of the lines.
    pub(super) fn retain(&mut self, keep: impl Fn(&W) -> bool) {
        let mut shorter = Vec::new();
        for (name, line) in &mut self.lines {
            let before = line.waiting.len();
            line.waiting.retain(|(_, turn)| keep(turn));
            if line.waiting.len() < before {
                self.waiting -= before - line.waiting.len();
                shorter.push(name.clone());
            }
        }
        shorter.into_iter().for_each(|name| self.put(name));
    }

    /// Takes out what came last in the longest line.
    pub(super) fn last_of_the_longest(&mut self) -> Option<W> {
        let length = |line: &Line<W>| (line.waiting.len(), line.waiting.back().map(|(arrival, _)| *arrival));
        let name = self.lines.iter().max_by_key(|(_, line)| length(line))?.0.clone();
        let (_, last) = self.lines.get_mut(&name)?.waiting.pop_back()?;
        self.waiting -= 1;
        self.put(name);
        Some(last)
    }

    pub(super) fn wait(&mut self, name: K, turn: W) {
        self.go_on();
        self.arrivals += 1;
        self.waiting += 1;
        let line = self.lines.entry(name.clone()).or_default();
        line.waiting.push_back((self.arrivals, turn));
        if line.waiting.len() == 1 {
            line.taken = line.taken.max(self.present);
            self.put(name);
        }
    }

    pub(super) fn next(&mut self) -> Option<(K, W)> {
        self.go_on();
        let (_, name) = self.order.pop_first()?;
        let line = self.lines.get_mut(&name)?;
        let (_, turn) = line.waiting.pop_front()?;
        line.place = None;
        line.under_way += 1;
        self.waiting -= 1;
        self.put(name.clone());
        Some((name, turn))
    }

    /// Notes how long the turn was of one that was next.
    pub(super) fn took(&mut self, name: K, time: Duration) {
        if let Some(line) = self.lines.get_mut(&name) {
            line.under_way = line.under_way.saturating_sub(1);
            line.taken += time;
            self.put(name);
        }
    }

    /// Looks how far those have come that wait, and forgets the lines that have nothing waiting and are not ahead of them.
    fn go_on(&mut self) {
        // Where a line will stand whose turn is under way is not known yet.
        if let Some((taken, ..)) = self.order.keys().find(|(_, under_way, _)| *under_way == 0) {
            self.present = self.present.max(*taken);
        }
        while let Some(first) = self.idle.first_entry()
            && (first.key().0 <= self.present || self.order.is_empty())
        {
            self.lines.remove(&first.remove());
        }
    }

    /// Puts a line into its place. It has none while its last turn is under way.
    fn put(&mut self, name: K) {
        let Some(line) = self.lines.get_mut(&name) else { return };
        if let Some(place) = line.place.take() {
            self.order.remove(&place);
            self.idle.remove(&place);
        }
        if let Some((arrival, _)) = line.waiting.front() {
            let place = (line.taken, line.under_way, *arrival);
            line.place = Some(place);
            self.order.insert(place, name);
        } else if line.under_way == 0 {
            self.arrivals += 1;
            let place = (line.taken, 0, self.arrivals);
            line.place = Some(place);
            self.idle.insert(place, name);
        }
    }
}
