//! How a request waits for the bus: in a place that its account may have, and until its caller hangs up.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::time::sleep;

use super::server::Door;
use crate::bus::Login;
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::connection::Connection;
use crate::sharing::Place;
use crate::store::{Account, HalfDone, StoreError, Transaction, View};

/// Nobody looks before whether the caller hangs up. What is answered sooner costs nothing more, and is answered also where
/// the caller says at once that it sends no more.
const MOMENT: Duration = Duration::from_millis(20);

/// Who asks the bus for something; what is asked for looks at the login once more.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) login: Option<Login>,
    /// Whether the login was right when somebody looked.
    is_proven: bool,
    connection: Option<Connection>,
}

/// Who asks, in the place that they wait in.
pub(super) struct Seated {
    who: Asking,
    turn: Turn,
    _place: Place<Account>,
}

/// Whether the turn of what is asked for has come, or its caller was gone before. Cheap to clone.
#[derive(Clone, Debug, Default)]
struct Turn(Arc<AtomicBool>);

impl Asking {
    /// Whoever this request comes from, with this login.
    pub(super) fn of(request: &HttpRequest, login: Option<Login>) -> Self {
        Self { login, is_proven: false, connection: Connection::of(request) }
    }

    /// The same with this login instead.
    pub(super) fn with(self, login: Option<Login>) -> Self {
        Self { login, is_proven: false, ..self }
    }

    /// On whose account the bus works for them.
    fn account(&self) -> Account {
        self.login.as_ref().map_or(Account::Nobody, |login| Account::Of(login.uuid.clone()))
    }

    /// The same, once the login is found to be right: what may wait on it is bounded.
    async fn proven(self, bus: &EmbeddedBus) -> Result<Self, BusError> {
        if self.is_proven {
            return Ok(self);
        }
        let login = self.login.clone().ok_or(BusError::Forbidden)?;
        let proof = Account::Proof(login.uuid.clone());
        bus.look_for(proof, move |bus, view| bus.authenticate(view, &login)).await?;
        Ok(Self { is_proven: true, ..self })
    }

    /// Done some time after they hung up.
    async fn leaves(&self) {
        sleep(MOMENT).await;
        match &self.connection {
            Some(connection) => connection.hung_up().await,
            None => pending().await,
        }
    }
}

impl Seated {
    /// Has it done, unless they are gone before its turn; then nothing is done.
    async fn unless_gone<T>(&self, work: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.who.leaves() => self.turn.take().map_or(Ok(()), |()| Err(BusError::HungUp))?,
        }
        work.await
    }
}

impl Turn {
    /// For whoever is first: the bus, or the caller who goes.
    fn take(&self) -> Option<()> {
        (!self.0.swap(true, Ordering::AcqRel)).then_some(())
    }

    fn comes(&self) -> Result<(), BusError> {
        self.take().ok_or(BusError::HungUp)
    }
}

impl Door {
    /// A place to wait in. While there are plenty nobody is asked who they are; then whoever does not prove it has one of those
    /// that all strangers share.
    ///
    /// # Errors
    /// [`BusError::NoPlace`] where their account has all that it may have.
    pub(super) async fn seat(&self, who: Asking) -> Result<Seated, BusError> {
        let turn = Turn::default();
        if let Some(place) = self.places.plenty() {
            return Ok(Seated { who, turn, _place: place });
        }
        let who = self.proven_or_nobody(who).await?;
        let place = self.places.of(who.account()).ok_or(BusError::NoPlace)?;
        Ok(Seated { who, turn, _place: place })
    }

    /// Who asks where nobody has to show a login: one that is right says so, any other is not looked at (`spec/meshblu.md` 1.3).
    pub(super) async fn proven_or_nobody(&self, who: Asking) -> Result<Asking, BusError> {
        let nobody = who.clone().with(None);
        match who.proven(&self.bus).await {
            Err(BusError::Forbidden) => Ok(nobody),
            proven => proven,
        }
    }

    /// As [`EmbeddedBus::look_for`].
    pub(super) async fn look<T: Send + 'static>(
        &self,
        who: Asking,
        operations: impl FnOnce(&EmbeddedBus, &View<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let seated = self.seat(who).await?;
        let turn = seated.turn.clone();
        let look = self.bus.look_for(seated.who.account(), move |bus, view| {
            turn.comes()?;
            operations(bus, view)
        });
        seated.unless_gone(look).await
    }

    /// As [`EmbeddedBus::look_far`].
    pub(super) async fn search<T: Send + 'static>(
        &self,
        who: Asking,
        operations: impl FnOnce(&EmbeddedBus, &View<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let mut seated = self.seat(who).await?;
        seated.who = seated.who.proven(&self.bus).await?;
        let turn = seated.turn.clone();
        let search = self.bus.look_far(seated.who.account(), move |bus, view| {
            turn.comes()?;
            operations(bus, view)
        });
        seated.unless_gone(search).await
    }

    /// As [`EmbeddedBus::change_for`].
    pub(super) async fn change<T: Send + 'static>(
        &self,
        who: Asking,
        operations: impl FnOnce(&EmbeddedBus, &Transaction<'_>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let seated = self.seat(who).await?;
        let turn = seated.turn.clone();
        let change = self.bus.change_for(seated.who.account(), move |bus, transaction| {
            turn.comes()?;
            operations(bus, transaction)
        });
        seated.unless_gone(change).await
    }

    /// As [`EmbeddedBus::change_in_pieces`].
    pub(super) async fn change_in_pieces(
        &self,
        who: Asking,
        begin: impl FnOnce(&EmbeddedBus, &Transaction<'_>) -> Result<Option<HalfDone>, BusError> + Send + 'static,
    ) -> Result<Result<(), StoreError>, BusError> {
        let seated = self.seat(who).await?;
        let turn = seated.turn.clone();
        let begin = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
            turn.comes()?;
            begin(bus, transaction)
        };
        seated.unless_gone(self.bus.change_in_pieces(seated.who.account(), begin)).await
    }
}
