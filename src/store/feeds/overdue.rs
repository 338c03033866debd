//! Gives up what waited too long for a webhook.

use std::collections::HashSet;

use crate::ambient::Timestamp;
use crate::store::{Account, Death, Feed, LineKey, StoreError, Transaction, View, WebhookKey};

/// So much is given up at a time, so that nobody waits.
const AT_ONCE: usize = 32;

/// What has been due since before a time.
#[derive(Clone, Debug)]
pub enum Overdue {
    /// At a webhook, whosever it is.
    AtWebhook(WebhookKey, Timestamp),
    /// In a line.
    InLine(LineKey, Timestamp),
}

impl Overdue {
    fn webhook(&self) -> &WebhookKey {
        match self {
            Self::AtWebhook(webhook, _) | Self::InLine(LineKey { webhook, .. }, _) => webhook,
        }
    }
}

impl Feed {
    /// Gives up all that is `overdue` and nobody has in hand; answers how much. That is nobody's turn: who has more waiting keeps
    /// their place.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn give_up_overdue(
        &self,
        overdue: Overdue,
        death: &Death<'static>,
    ) -> Result<usize, StoreError> {
        let mut given_up = 0;
        loop {
            let account = Account::Of(overdue.webhook().device.clone());
            let (overdue, death, in_flight) = (overdue.clone(), death.clone(), self.in_flight.clone());
            let some = move |transaction: &Transaction<'_>| {
                let in_hand = in_flight.all().clone();
                let overdue = transaction.overdue(&overdue, &in_hand)?;
                for (seq, line) in &overdue {
                    transaction.give_up(*seq, &death)?;
                    transaction.has_less_waiting(line)?;
                }
                Ok(overdue.len())
            };
            match self.store.write_for::<_, StoreError, _>(account, some).await? {
                0 => return Ok(given_up),
                more => given_up += more,
            }
        }
    }
}

impl View<'_> {
    fn overdue(&self, overdue: &Overdue, in_hand: &HashSet<i64>) -> Result<Vec<(i64, LineKey)>, StoreError> {
        let webhook = overdue.webhook();
        let (sql, who, due_before) = match overdue {
            Overdue::AtWebhook(webhook, due_before) => {
                let sql = "SELECT seq, coalesce(user_device, '') FROM turns JOIN deliveries ON line_at_webhook = who
                           WHERE queue = ?1 AND deliveries.due_at < ?2";
                (sql, &webhook.text, due_before)
            }
            Overdue::InLine(line, due_before) => {
                let sql = "SELECT seq, coalesce(user_device, '') FROM deliveries
                           WHERE line_at_webhook = ?1 AND due_at < ?2";
                (sql, &line.text, due_before)
            }
        };
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query((who, due_before))?;
        let mut found = Vec::new();
        while found.len() < AT_ONCE
            && let Some(row) = rows.next()?
        {
            let (seq, user_device) = (row.get(0)?, row.get(1)?);
            if !in_hand.contains(&seq) {
                found.push((seq, LineKey::new(webhook.clone(), user_device)));
            }
        }
        Ok(found)
    }
}
