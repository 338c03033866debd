//! Strays: tokens that a sign-in brought and that no record holds. They are on disk, sealed, before anything else is asked,
//! and end at the API unless a record comes to hold them.

use std::time::Duration;

use tokio::time::timeout;

use super::possession::is_same;
use super::receipt::ApiVerdict;
use super::rekey::MOST;
use super::{Account, CredentialsDevices, CredentialsError};
use crate::store::{NewRevocation, QueuedRevocation, StoreError, StoredRecord, Transaction};
use crate::telemetry::with_causes;
use crate::vault::{Contents, Credentials, Format, ResourceOwnerId, SealError, SealedText, SecretText};

/// For what they are sealed, in place of a device and an account: nobody knows yet whose they are.
const NAME: &str = "stray";
/// How long a sign-in may go on after the API gave its tokens; what is a stray by then ends.
const LONGEST_SIGN_IN: Duration = Duration::from_secs(10 * 60);
/// How long whoever gives them up waits for the API.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tokens that a sign-in brought, on disk: they end at the API unless they are kept by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray(i64);

impl CredentialsDevices {
    /// Puts on disk what a sign-in brought, so that it ends at the API whatever becomes of this process. None where the API
    /// has no way to end it that leaves others of the account alone.
    ///
    /// # Errors
    /// What the store or the vault reports; nobody but the caller knows of the tokens then.
    pub async fn note_stray(
        &self,
        access: &SecretText,
        refresh: Option<&SecretText>,
    ) -> Result<Option<Stray>, CredentialsError> {
        if !self.upstream.as_ref().is_some_and(|client| client.settings().revokes_one_alone()) {
            return Ok(None);
        }
        let copy = |token: &SecretText| SecretText::from(token.expose());
        let contents = Contents {
            refresh_token: refresh.map(copy),
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            generation: 1,
            ..Contents::new(ResourceOwnerId::Text(NAME.to_owned()), copy(access))
        };
        let vault = self.vault.clone();
        let seal = move || {
            let sealed = vault.seal(&NAME.into(), &contents, Format::Two)?;
            let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
            let Contents { generation, source, .. } = contents;
            Ok::<_, SealError>(StoredRecord { generation, endo, signature, source })
        };
        let sealing = tokio::task::spawn_blocking(seal).await.map_err(|_| CredentialsError::Interrupted)?;
        let (record, now) = (sealing?, self.clock.now());
        let note = move |transaction: &Transaction<'_>| {
            let (name, due_at) = (NAME.into(), now.plus(LONGEST_SIGN_IN));
            transaction.add_revocation(&NewRevocation::stray(&name, &record, now, due_at))
        };
        Ok(Some(Stray(self.store.write::<_, StoreError, _>(note).await?)))
    }

    /// Has the API end what is not kept, of the account where it told one; what it does not answer at once is told it again.
    /// What credentials here hold all the same stays: it was kept although that could not be told, or handed out again.
    pub async fn give_up(&self, stray: Stray, account: Option<&Account>) {
        let giving_up = async {
            let Some(queued) = self.put_in_line(stray).await? else { return Ok(()) };
            match account {
                Some(account) if self.holds_tokens_of(account).await? => {
                    self.close(queued, ApiVerdict::Impossible).await
                }
                _ => self.tell(queued).await,
            }
        };
        match timeout(PATIENCE, giving_up).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn(&error),
            Err(error) => warn(&error),
        }
    }

    /// What is to end, if it is a stray still; whoever else is told of it waits until the caller is done.
    async fn put_in_line(&self, stray: Stray) -> Result<Option<QueuedRevocation>, CredentialsError> {
        let due = self.clock.now().plus(2 * PATIENCE);
        let put_in_line = move |transaction: &Transaction<'_>| {
            transaction.postpone_revocation(stray.0, due, false)?;
            transaction.revocation(stray.0)
        };
        Ok(self.store.write::<_, StoreError, _>(put_in_line).await?)
    }

    /// Whether a record here holds one of these tokens, whosever it is, or one that may end with them: an API that gives no
    /// refresh token a second time counts both as one grant.
    pub(super) async fn is_held(&self, stray: &Credentials) -> Result<bool, CredentialsError> {
        let tokens: Vec<_> = stray.refresh_token().into_iter().chain([stray.secret()]).collect();
        let is_one = |held: &SecretText| tokens.iter().any(|token| is_same(held, token));
        for device in self.store.read::<_, StoreError, _>(|view| view.credentials_devices(MOST)).await? {
            let asked = device.clone();
            let record = self.store.read::<_, StoreError, _>(move |view| view.record(&asked)).await?;
            let Some(record) = record else { continue };
            let sealed = SealedText { endo: &record.endo, signature: &record.signature };
            let opened = match self.vault.recall(&device, sealed, self.clock.now()) {
                Some(warm) => warm,
                None => match self.open_once(device, record).await {
                    // What no key here opens, nobody here uses.
                    Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => continue,
                    opened => opened?,
                },
            };
            let refresh = opened.refresh_token();
            let may_end_with_it = stray.refresh_token().is_none() && refresh.is_some();
            if may_end_with_it || is_one(opened.secret()) || refresh.is_some_and(is_one) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn holds_tokens_of(&self, account: &Account) -> Result<bool, CredentialsError> {
        let tokens: Vec<_> = account.refresh_token.iter().chain([&account.secret]).collect();
        self.keep_any_of(&account.id, &tokens).await
    }
}

impl Stray {
    /// A record holds the tokens from now on.
    pub(super) fn claim(self, transaction: &Transaction<'_>) -> Result<(), CredentialsError> {
        transaction.claim_stray(self.0)?.then_some(()).ok_or(CredentialsError::GivenUp)
    }
}

fn warn(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error = with_causes(error), "tokens of a sign-in that was not kept are not ended yet");
}
