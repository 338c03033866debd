//! The names that deliveries were taken under: one that is not among them is new, which takes no look at the disk.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::DeliveryId;
use crate::store::columns::text;
use crate::store::{Store, StoreError, Transaction, View};

/// So many names may have come since they were read before it is worth it to read them again without those that are
/// forgotten by now.
const MANY: usize = 100_000;

/// The names of what a store keeps, or kept a while ago. Cheap to clone; every clone has the same ones.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Names(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    hasher: RandomState,
    marks: Mutex<Marks>,
}

/// A mark stands for a name; two names may share one, so that a mark proves nothing, but that it is missing does.
#[derive(Debug, Default)]
struct Marks {
    /// Nothing until they are read for the first time: then any name may be among them.
    known: Option<HashSet<u64>>,
    /// How many there were when they were read.
    read: usize,
    /// Those that came since a reading began, which may not see them.
    unread: Option<HashSet<u64>>,
}

impl Names {
    /// Notes a name before what has it can be on disk.
    fn note(&self, id: &DeliveryId) {
        let mark = self.mark(id.as_str());
        let mut marks = self.marks();
        let Marks { known, unread, .. } = &mut *marks;
        for marks in [known, unread].into_iter().flatten() {
            marks.insert(mark);
        }
    }

    fn may_have(&self, id: &DeliveryId) -> bool {
        let mark = self.mark(id.as_str());
        self.marks().known.as_ref().is_none_or(|known| known.contains(&mark))
    }

    fn are_to_be_read(&self) -> bool {
        let marks = self.marks();
        marks.known.as_ref().is_none_or(|known| known.len() > 2 * marks.read + MANY)
    }

    fn begin_reading(&self) {
        self.marks().unread = Some(HashSet::new());
    }

    fn end_reading(&self, mut found: HashSet<u64>) {
        let mut marks = self.marks();
        found.extend(marks.unread.take().unwrap_or_default());
        marks.read = found.len();
        marks.known = Some(found);
    }

    fn mark(&self, name: &str) -> u64 {
        self.0.hasher.hash_one(name)
    }

    /// Every change leaves them whole, also where a panic came in between.
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Whether a delivery of this name may have been taken; where it may not, nothing is kept of one.
    pub fn may_know(&self, id: &DeliveryId) -> bool {
        self.names().may_have(id)
    }

    /// Reads the names of what is kept, where they were not read so far, or many of them are forgotten by now.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn learn_names(&self) -> Result<(), StoreError> {
        let names = self.names().clone();
        if !names.are_to_be_read() {
            return Ok(());
        }
        let (noting, reading) = (names.clone(), names.clone());
        // On the writer's thread: what was noted before is on disk once this is answered, and seen by what reads then.
        let begin = move |_: &Transaction<'_>| {
            noting.begin_reading();
            Ok(())
        };
        self.write::<_, StoreError, _>(begin).await?;
        let read = move |view: &View<'_>| view.names(|name| reading.mark(name));
        names.end_reading(self.search::<_, StoreError, _>(read).await?);
        Ok(())
    }
}

impl View<'_> {
    /// The marks of the names of all jobs that are kept, waiting or over.
    fn names(&self, mark: impl Fn(&str) -> u64) -> Result<HashSet<u64>, StoreError> {
        let sql = "SELECT id FROM outcomes UNION ALL SELECT id FROM dead_letters
                   UNION ALL SELECT id FROM deliveries WHERE work = 0";
        self.all(sql, [], |row| text(row, 0).map(&mark))
    }
}

impl Transaction<'_> {
    /// Has [`Store::may_know`] know this name from now on.
    pub(in crate::store) fn note_name(&self, id: &DeliveryId) {
        self.names().note(id);
    }
}
