//! Lists that are read to their end, as many at a time as the gateway gives.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::operation::Operation;
use super::{CommandError, reach};
use crate::config::Config;
use crate::paging::Page;

/// What is left of a list of `T`, each page of which is asked for by where the one before it ended.
pub(super) struct Pages<T, A> {
    ask: A,
    /// Nothing once that was all.
    asked: Option<Operation>,
    of: PhantomData<T>,
}

impl<T: DeserializeOwned, A: Fn(Option<i64>) -> Operation> Pages<T, A> {
    /// The whole list.
    pub(super) fn of(ask: A) -> Self {
        Self { asked: Some(ask(None)), ask, of: PhantomData }
    }

    /// The next page, where there is one.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) async fn next(&mut self, config: &Config) -> Result<Option<Vec<T>>, CommandError> {
        let Some(asked) = self.asked.take() else { return Ok(None) };
        let Page { shown, next } = reach::perform(config, asked).await?;
        self.asked = next.map(|last| (self.ask)(Some(last)));
        Ok(Some(shown))
    }
}
