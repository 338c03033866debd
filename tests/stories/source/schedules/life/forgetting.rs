//! People forget their credentials in a simulated life and sign in again for others, whatever is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use endo::source::renewal::{BroughtToken, Records};
use endo::store::{
    CopyOfLine, NewRevocation, RenewalStage, StoreError, StoredRefreshToken, StoredRenewal, Transaction,
};
use endo::vault::SecretText;

use super::super::super::{Hand, owned_by, plain, plain_records, read};
use super::Life;
use super::sign_ins::Arrival;

/// The receipt that tells of every end here.
const RECEIPT: i64 = 1;

/// Records of which what nobody holds waits for its end.
pub(super) fn records(hand: &Hand) -> Records {
    let hand = hand.clone();
    Records {
        strand: Box::new(move |transaction, device, stranded| {
            let copy = NewRevocation::told_by(RECEIPT, device, stranded.record, hand.now());
            transaction.add_revocation(&copy.renewed_by(Some(stranded.refresh))).map(drop)
        }),
        ..plain_records()
    }
}

/// What a sign-in for other credentials came to be renewed by.
struct Renewing {
    token: String,
    known: StoredRefreshToken,
    is_heir: bool,
}

impl Life {
    /// The credentials are forgotten. Somebody may have signed in by then, or does, and be given the refresh token again.
    pub(super) async fn forget(&mut self) {
        let held = read(&self.record().await).1;
        if self.arriving.is_empty() && self.dice.percent(60) {
            // Where it was renewed by then, the provider gives what it gave for it, though that is not here yet.
            let newest = self.provider().newest();
            let same = held.filter(|token| self.provider().takes(token)).or(newest);
            let access = self.provider().issue_alone();
            let life = self.another_life(&access);
            self.arriving.push(Arrival { access, same, life, asked_at: self.hand.now() });
        }
        let (device, now) = (self.device.clone(), self.hand.now());
        let forget = move |transaction: &Transaction<'_>| {
            let record = transaction.record(&device)?.unwrap();
            let known = transaction.renewal(&device)?.and_then(|known| known.refresh);
            let copy = NewRevocation::told_by(RECEIPT, &device, &record, now);
            transaction.add_revocation(&copy.renewed_by(known.as_ref().map(|known| known.token)))?;
            transaction.forget_record(&device, now)?;
            Ok(known.map(|known| known.stage))
        };
        let stage = self.store().write::<_, StoreError, _>(forget).await.unwrap();
        self.note(format!("the credentials are forgotten, {stage:?}"));
        self.forgotten += 1;
        self.forgotten_under_way += usize::from(stage == Some(RenewalStage::Sending));
        self.device = format!("{}-again", self.device).into();
        self.owners = BTreeSet::new();
        self.is_forgotten = true;
    }

    /// What happens until somebody is back.
    pub(super) async fn while_forgotten(&mut self, which: usize) {
        match self.dice.below(10) {
            0..6 => self.run(which).await,
            6 => self.hand.forward(Duration::from_secs(1 + self.dice.below(400))),
            7 if self.dice.percent(50) => self.crash(which),
            7 if self.dice.percent(20) => self.reopen(),
            _ => self.come_back().await,
        }
    }

    /// Somebody is back, with what a sign-in brought.
    pub(super) async fn come_back(&mut self) {
        self.is_forgotten = false;
        match self.arriving.pop() {
            Some(Arrival { access, same: Some(same), life, asked_at }) => {
                self.keep_elsewhere(same, Arrival { access, same: None, life, asked_at }).await;
            }
            _ => self.sign_in().await,
        }
    }

    /// What was given for the refresh token meanwhile renews the new credentials, or that itself, with all that is known of it.
    async fn keep_elsewhere(&mut self, same: String, Arrival { access, life, asked_at, .. }: Arrival) {
        let (device, owners, brought) = (self.device.clone(), self.another_owner(), access.clone());
        let (same, now) = (SecretText::from(same), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            let known = transaction.refresh_token(&same.fingerprint())?;
            let renewing = match heir(transaction, known.as_ref())? {
                Some(copy) => {
                    transaction.erase_revocation(copy.seq)?;
                    let token = read(&copy.record).1.unwrap();
                    Renewing { token, known: copy.refresh, is_heir: true }
                }
                None => {
                    let brought = BroughtToken { token: &same, known: known.as_ref() };
                    let token = same.expose().to_owned();
                    Renewing { token, known: brought.taken_up(Some(asked_at), now), is_heir: false }
                }
            };
            let record = owned_by(owners, plain(1, &brought, Some(&renewing.token)));
            assert!(transaction.store_record(&device, &record)?);
            let life = StoredRenewal { generation: 1, secret_since: 1, ..life };
            transaction.store_renewal(&device, &life.renewed_by(Some(renewing.known.clone())))?;
            Ok((renewing, known))
        };
        let (renewing, before) = self.store().write::<_, StoreError, _>(keep).await.unwrap();
        let Renewing { token, known, is_heir } = renewing;
        self.note(format!("{access} is kept elsewhere beside {token}, {known:?}"));
        self.brought_again += 1;
        self.inherited += usize::from(is_heir);
        let is_in_doubt = matches!(known.stage, RenewalStage::Sending | RenewalStage::InDoubt);
        self.doubts_taken_over += usize::from(is_in_doubt);
        assert!(!known.renews() || !self.spent.contains(&token), "seed {}: {token} is over", self.seed);
        if !is_heir && known.renews() && before.is_some_and(|before| !before.renews()) {
            self.given_anew += 1;
            let at_work = self.processes.iter().filter(|process| process.task.is_some()).count();
            self.provider().is_given_anew(&token, at_work);
        }
        self.provider().is_beside(&token, access, known.sent);
    }
}

/// What was given for a refresh token that is spent, where nobody holds it.
fn heir(
    transaction: &Transaction<'_>,
    known: Option<&StoredRefreshToken>,
) -> Result<Option<CopyOfLine>, StoreError> {
    match known.filter(|known| known.stage == RenewalStage::Spent) {
        Some(spent) => transaction.copy_of_line(&spent.line),
        None => Ok(None),
    }
}
