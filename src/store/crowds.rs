//! What strangers can make any number of is bounded in rows: of too many, those go that keep others out.

use super::{StoreError, Transaction};

/// More go than are too many, by this part of all, for it is not looked for each time then.
const SPARE: u32 = 16;

impl Transaction<'_> {
    /// Where `count` finds more than `most`, has `delete` take away so many that there is room for some more; its `?1` says how
    /// many. Answers how many are still too many.
    pub(super) fn thin_out(&self, count: &str, delete: &str, most: u32) -> Result<u32, StoreError> {
        let there: u32 = self.value(count, [])?;
        let surplus = there.saturating_sub(most);
        if surplus == 0 {
            return Ok(0);
        }
        let gone = self.change(delete, [surplus + most / SPARE])?;
        Ok(surplus.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX)))
    }
}
