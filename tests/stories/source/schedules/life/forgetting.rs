//! People forget their credentials in a simulated life and sign in again for others, whatever is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use endo::source::renewal::{IssuedToken, Records, is_answer_lost, is_held, may_be_lost_answer};
use endo::store::{
    Fingerprint, NewRevocation, RenewalStage, StoreError, StoredRefreshToken, StoredRenewal, Transaction,
    View,
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
            let asked = self.store().moment().await.unwrap();
            let newest = self.provider().newest();
            let same = held.filter(|token| self.provider().takes(token)).or(newest);
            let access = self.provider().issue_alone();
            let life = self.another_life(&access);
            let came = self.store().moment().await.unwrap();
            self.arriving.push(Arrival { access, same, life, asked, came });
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
            Some(Arrival { access, same: Some(same), life, asked, came }) => {
                self.keep_elsewhere(same, Arrival { access, same: None, life, asked, came }).await;
            }
            _ => self.sign_in().await,
        }
        self.check_ends().await;
    }

    /// What waits for its end may be told to the provider at any time, but for what is known to be under way, or to be of what
    /// is kept, or may have been given in an answer that was lost: nothing else of it is kept.
    pub(super) async fn check_ends(&mut self) {
        let (kept, own, now) = (self.device.clone(), format!("device-{}", self.seed), self.hand.now());
        let look = move |view: &View<'_>| {
            let held = view.renewal(&kept)?.and_then(|renewal| renewal.refresh);
            let Some(held) = held.filter(StoredRefreshToken::renews) else { return Ok(None) };
            let mut told = Vec::new();
            let mut spared = 0;
            for copy in view.revocations(100_000)? {
                let is_own = copy.credentials.as_str().strip_prefix(&own);
                if !is_own.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
                    continue;
                }
                let Some(known) = known_of(view, copy.refresh)? else { continue };
                let holders = view.holders_of_line(&known.token)?;
                let is_of_line = holders.iter().any(|holder| holder.credentials == kept);
                let is_spared = is_answer_lost(&known) && may_be_lost_answer(&held, &known);
                spared += usize::from(is_spared && !is_of_line);
                let is_on_its_way = view.line_of(&known.token)?.iter().any(|known| is_held(known, now));
                if !(is_on_its_way || is_of_line || is_spared) {
                    told.extend(view.sealed_copy(copy.seq)?);
                }
            }
            Ok(Some((told, spared)))
        };
        let Some((told, spared)) = self.store().read::<_, StoreError, _>(look).await.unwrap() else { return };
        self.spared += spared;
        let Some(token) = read(&self.record().await).1 else { return };
        for over in told.iter().filter_map(|record| read(record).1) {
            let is_lost = self.provider().are_one_grant(&over, &token);
            assert!(!is_lost, "seed {}: {token} ends with {over}", self.seed);
        }
    }

    /// What was given for the refresh token meanwhile renews the new credentials, or that itself, with all that is known of it.
    async fn keep_elsewhere(&mut self, same: String, Arrival { access, life, asked, came, .. }: Arrival) {
        let (device, owners, brought) = (self.device.clone(), self.another_owner(), access.clone());
        let (same, now) = (SecretText::from(same), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            let known = transaction.refresh_token(&same.fingerprint())?;
            let issued = IssuedToken {
                token: &same,
                known: known.as_ref(),
                is_succeeded: false,
                asked: Some(asked),
                came,
            };
            let heir = match issued.is_rotated() {
                true => transaction.copy_of_line(&known.as_ref().unwrap().line)?,
                false => None,
            };
            let renewing = match heir {
                Some(copy) => {
                    transaction.erase_revocation(copy.seq)?;
                    let token = read(&copy.record).1.unwrap();
                    Renewing { token, known: copy.refresh, is_heir: true }
                }
                None => {
                    Renewing { token: same.expose().to_owned(), known: issued.by_itself(now), is_heir: false }
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

fn known_of(view: &View<'_>, token: Option<Fingerprint>) -> Result<Option<StoredRefreshToken>, StoreError> {
    match token {
        Some(token) => view.refresh_token(&token),
        None => Ok(None),
    }
}
