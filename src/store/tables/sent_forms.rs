//! Forms that a session sent, kept as fingerprints only, so that the same one does nothing twice.

use crate::store::{StoreError, Transaction, View};

/// Which session sent which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormKey {
    /// The line of the session ([`StoredSession::line`](crate::store::StoredSession::line)), which stays the same where its pass does not.
    pub line: [u8; 32],
    /// The fingerprint of the form, with all that was typed into it.
    pub form: [u8; 32],
}

/// What is known of a form that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentForm {
    /// It was not sent before.
    New,
    /// It was, and nothing is known of what came of it.
    Open,
    /// It was, and came to this.
    Settled(String),
}

impl View<'_> {
    /// What is known of a form.
    ///
    /// # Errors
    /// What the database reports.
    pub fn sent_form(&self, FormKey { line, form }: &FormKey) -> Result<SentForm, StoreError> {
        let sql = "SELECT came_to FROM sent_forms WHERE line = ?1 AND form = ?2";
        let found: Option<Option<_>> = self.first(sql, (line, form), |row| row.get(0))?;
        Ok(found.map_or(SentForm::New, |came_to| came_to.map_or(SentForm::Open, SentForm::Settled)))
    }
}

impl Transaction<'_> {
    /// Notes that a session sends a form, and answers what was known of it; the session keeps the newest `kept`.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn send_form(&self, key: &FormKey, kept: u32) -> Result<SentForm, StoreError> {
        let known = self.sent_form(key)?;
        if known == SentForm::New {
            self.check_room()?;
            self.add_sent_form(key, kept)?;
        }
        Ok(known)
    }

    /// Notes that a session sent a form, unless that is known, and what it came to, also where the file is as good as full; the
    /// session keeps the newest `kept`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_form(&self, key: &FormKey, came_to: &str, kept: u32) -> Result<(), StoreError> {
        self.use_reserve();
        if self.sent_form(key)? == SentForm::New {
            self.add_sent_form(key, kept)?;
        }
        self.settle_form(key, Some(came_to))
    }

    fn add_sent_form(&self, FormKey { line, form }: &FormKey, kept: u32) -> Result<(), StoreError> {
        self.execute("INSERT INTO sent_forms (line, form) VALUES (?1, ?2)", (line, form))?;
        let sql = "DELETE FROM sent_forms WHERE line = ?1 AND seq <= (
                       SELECT seq FROM sent_forms WHERE line = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.execute(sql, (line, kept))
    }

    /// Notes what came of a form; where it is nothing, the form may be sent again.
    ///
    /// # Errors
    /// What the database reports.
    pub fn settle_form(
        &self,
        FormKey { line, form }: &FormKey,
        came_to: Option<&str>,
    ) -> Result<(), StoreError> {
        self.use_reserve();
        match came_to {
            Some(came_to) => {
                let sql = "UPDATE sent_forms SET came_to = ?3 WHERE line = ?1 AND form = ?2";
                self.execute(sql, (line, form, came_to))
            }
            None => self.execute("DELETE FROM sent_forms WHERE line = ?1 AND form = ?2", (line, form)),
        }
    }
}
