//! Strays: tokens that a sign-in brought and that no record holds. They are on disk, sealed, before anything else is asked,
//! and end at the API unless a record comes to hold them.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::arrivals::{Arrival, Minding};
use crate::credentials::{Account, CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::Revoked;
use crate::store::{NewRevocation, QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Clients, Contents, Credentials, Format, ResourceOwnerId, SealError, SecretText};

/// For what they are sealed, in place of a device.
const NAME: &str = "stray";
/// Whose account they are until that is known; no API calls one so.
const NOBODY: &str = "\u{1}nobody";
/// How long a sign-in may go on after the API gave its tokens; what is a stray by then ends.
const LONGEST_SIGN_IN: Duration = Duration::from_secs(10 * 60);
/// How long whoever gives them up waits for the API.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why what a sign-in brought is on no disk.
#[derive(Debug, Error)]
#[error("tokens of a sign-in could not be noted")]
pub struct Unnoted {
    /// Whether they are over at the API, but for what credentials here hold of them.
    pub are_over: bool,
    source: CredentialsError,
}

/// What came of having tokens end at once.
enum AtOnce {
    Over,
    /// Credentials here hold some of them.
    Held,
    /// The API did not end them, or was not asked.
    Untold,
}

/// What a sign-in brought.
struct Stray {
    account: ResourceOwnerId,
    access: SecretText,
    refresh: Option<SecretText>,
}

impl Stray {
    /// That of an account that is not known yet.
    fn of_nobody(access: &SecretText, refresh: Option<&SecretText>) -> Self {
        let account = ResourceOwnerId::Text(NOBODY.to_owned());
        Self { account, access: access.copy(), refresh: refresh.map(SecretText::copy) }
    }

    fn of(Account { id, secret, refresh_token, .. }: &Account) -> Self {
        Self { account: id.clone(), ..Self::of_nobody(secret, refresh_token.as_ref()) }
    }
}

/// Whose tokens these are that wait for their end, as far as that is known: a stray is sealed for nobody until it is.
pub(super) fn whose<'a>(
    revocation: &QueuedRevocation,
    opened: &'a Credentials,
) -> Option<&'a ResourceOwnerId> {
    let is_nobody = |id: &ResourceOwnerId| matches!(id, ResourceOwnerId::Text(name) if name == NOBODY);
    opened.id().filter(|id| revocation.receipt.is_some() || !is_nobody(id))
}

impl CredentialsDevices {
    /// Somebody is about to ask the API for tokens, of the account of these credentials where they are signed in again. What it
    /// is just asked to end of that is over by then, or a few seconds passed.
    pub async fn arrival(&self, again: Option<&DeviceUuid>) -> Arrival {
        let account = match again {
            Some(device) => self.account_of(device).await,
            None => None,
        };
        self.arrivals.begin(account).await
    }

    /// Whose these credentials are, where that can be told.
    async fn account_of(&self, device: &DeviceUuid) -> Option<ResourceOwnerId> {
        let record = self.newest_record(device).await.ok()?;
        self.opener.open(device.clone(), record).await.ok()?.id().cloned()
    }

    /// Puts on disk what a sign-in brought, so that it ends at the API whatever becomes of this process; not where the API
    /// has no way to end it that leaves others of the account alone.
    ///
    /// # Errors
    /// [`Unnoted`] where the store or the vault fails; the API is asked to end them at once then, as nobody but the caller
    /// knows of them.
    pub async fn note_stray(
        &self,
        mut arrival: Arrival,
        access: &SecretText,
        refresh: Option<&SecretText>,
    ) -> Result<Arc<Arrival>, Unnoted> {
        if !self.ends_one_alone() {
            return Ok(Arc::new(arrival));
        }
        match self.put_on_disk(Stray::of_nobody(access, refresh)).await {
            Ok(stray) => {
                arrival.stray = Some(stray);
                Ok(Arc::new(arrival))
            }
            Err(source) => {
                drop(arrival);
                Err(Unnoted { are_over: self.end_at_once(access, refresh).await, source })
            }
        }
    }

    async fn put_on_disk(&self, stray: Stray) -> Result<i64, CredentialsError> {
        let (record, now) = (self.seal_stray(stray).await?, self.clock.now());
        let note = move |transaction: &Transaction<'_>| {
            let (name, due_at) = (NAME.into(), now.plus(LONGEST_SIGN_IN));
            let stray = NewRevocation::stray(&name, &record, now, due_at).since(transaction.moment()?);
            transaction.add_revocation(&stray)
        };
        Ok(self.store.write::<_, StoreError, _>(note).await?)
    }

    async fn seal_stray(
        &self,
        Stray { account, access, refresh }: Stray,
    ) -> Result<StoredRecord, CredentialsError> {
        let contents = Contents {
            clients: Clients::both(self.client_id()),
            refresh_token: refresh,
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            generation: 1,
            ..Contents::new(account, access)
        };
        let vault = self.vault.clone();
        let seal = move || {
            let sealed = vault.seal(&NAME.into(), &contents, Format::Two)?;
            let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
            let Contents { generation, source, .. } = contents;
            Ok::<_, SealError>(StoredRecord { generation, endo, signature, source })
        };
        let sealing = tokio::task::spawn_blocking(seal).await.map_err(|_| CredentialsError::Interrupted)?;
        Ok(sealing?)
    }

    /// Notes whose it is, for whenever it is told.
    async fn note_whose(&self, seq: i64, stray: Stray) -> Result<StoredRecord, CredentialsError> {
        let record = self.seal_stray(stray).await?;
        let noted = record.clone();
        let note = move |transaction: &Transaction<'_>| transaction.replace_stray(seq, &noted);
        self.store.write::<_, StoreError, _>(note).await?;
        Ok(record)
    }

    /// The rest of a stray whose refresh token credentials here hold or set aside, or hold what came of it, where the API ends an
    /// access token alone: nobody holds that one. It waits in place of both from now on.
    pub(super) async fn without_what_is_held(
        &self,
        stray: &QueuedRevocation,
        opened: &Credentials,
    ) -> Result<Option<StoredRecord>, CredentialsError> {
        let (Some(account), Some(refresh)) = (opened.id(), opened.refresh_token()) else { return Ok(None) };
        if stray.receipt.is_some() || !self.ends_access_alone() {
            return Ok(None);
        }
        let token = refresh.fingerprint();
        let look = move |view: &View<'_>| view.holders_of_line(&token);
        let is_held = !self.store.read::<_, StoreError, _>(look).await?.is_empty();
        if !is_held && self.holders(|held| held.have(&token)).await?.is_empty() {
            return Ok(None);
        }
        let rest = Stray { account: account.clone(), access: opened.secret().copy(), refresh: None };
        Ok(Some(self.note_whose(stray.seq, rest).await?))
    }

    /// Has the API end what is on no disk, while whoever signed in waits; answers whether it is known to be over.
    async fn end_at_once(&self, access: &SecretText, refresh: Option<&SecretText>) -> bool {
        let (devices, access, refresh) = (self.clone(), access.copy(), refresh.map(SecretText::copy));
        // Whatever becomes of whoever waits: nobody else ever comes to do it.
        let ending =
            self.lasting.spawn(async move { devices.end_unless_held(&access, refresh.as_ref()).await });
        matches!(timeout(PATIENCE, ending).await, Ok(Ok(true)))
    }

    /// The same, unless credentials here hold it, or nobody can tell. Where that is so, the access token ends at least, if the API
    /// ends it alone and it is not that which they hold: what is left is theirs then.
    async fn end_unless_held(&self, access: &SecretText, refresh: Option<&SecretText>) -> bool {
        match self.end_of_nobodys_now(access, refresh).await {
            AtOnce::Held if refresh.is_some() && self.ends_access_alone() => {
                matches!(self.end_of_nobodys_now(access, None).await, AtOnce::Over)
            }
            came_to => matches!(came_to, AtOnce::Over),
        }
    }

    async fn end_of_nobodys_now(&self, access: &SecretText, refresh: Option<&SecretText>) -> AtOnce {
        let Some(client) = &self.upstream else { return AtOnce::Untold };
        let lines = match self.lines_of(refresh.into_iter()).await {
            Ok(lines) => lines,
            Err(error) => return untold(&error),
        };
        let end = self.end_of_nobodys(access, refresh).and(lines);
        let ending = match self.arrivals.end(&end, Minding::Strangers).await {
            // Nobody comes to do it another time.
            None => self.arrivals.end(&end, Minding::ItsOwn).await,
            ending => ending,
        };
        let Some(ending) = ending else { return AtOnce::Untold };
        match self.holders(|held| end.takes(held)).await.as_deref() {
            Ok([]) => {}
            Ok(_) => return AtOnce::Held,
            Err(error) => return untold(error),
        }
        match ending.ask(client.revoke(access, refresh)).await {
            Some(Ok(Revoked::Done | Revoked::Unknown)) => AtOnce::Over,
            Some(Err(error)) => untold(&error),
            Some(Ok(Revoked::Impossible)) | None => AtOnce::Untold,
        }
    }

    /// Has the API end what is not kept, of the account where it told one; what it does not answer at once is told it again.
    /// What credentials here hold all the same stays: it was kept although that could not be told, or handed out again.
    /// Answers whether any of it ends.
    pub async fn give_up(&self, arrival: Arc<Arrival>, account: Option<&Account>) -> bool {
        let Some(stray) = arrival.stray else { return false };
        drop(arrival);
        let (devices, of_account) = (self.clone(), account.map(Stray::of));
        let giving_up = async move {
            if let Some(known) = of_account {
                devices.note_whose(stray, known).await?;
            }
            devices.tell_of(stray).await
        };
        // What the API is asked is seen to its end, also where nobody waits any more.
        match timeout(PATIENCE, self.lasting.spawn(giving_up)).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => warn(&error),
            Ok(Err(error)) => warn(&error),
            Err(error) => warn(&error),
        }
        true
    }
}

fn untold(error: &(dyn std::error::Error + 'static)) -> AtOnce {
    warn(error);
    AtOnce::Untold
}

fn warn(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error = with_causes(error), "tokens of a sign-in that was not kept are not ended yet");
}
