//! People sign in and leave again in a simulated life, whatever is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use endo::source::renewal::{IssuedToken, begin_life, carry_over, named};
use endo::store::{
    Moment, RenewalStage, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, Transaction,
};
use endo::vault::SecretText;

use super::super::super::{owned_by, plain, read};
use super::Life;

/// What a sign-in brought that is not kept yet.
pub(super) struct Arrival {
    pub(super) access: String,
    /// The refresh token that is given again.
    pub(super) same: Option<String>,
    pub(super) life: StoredRenewal,
    pub(super) asked: Moment,
    pub(super) came: Moment,
}

/// What became of it.
struct Kept {
    refresh: Option<StoredRefreshToken>,
    token: Option<String>,
    /// Whether the refresh token that was given again was known to be over.
    was_over: bool,
}

impl Life {
    /// Somebody signs in, for the first time or anew.
    pub(super) async fn sign_in(&mut self) {
        let (access, refresh) = self.provider().issue();
        let owners = self.another_owner();
        let (device, now) = (self.device.clone(), self.hand.now());
        let received = self.provider().received.clone();
        let keep = move |transaction: &Transaction<'_>| {
            let before = transaction.record(&device)?;
            let generation = before.as_ref().map_or(1, |record| record.generation + 1);
            let record = owned_by(owners, plain(generation, &access, Some(&refresh)));
            assert!(transaction.store_record(&device, &record)?);
            let refresh = StoredRefreshToken::new(SecretText::from(refresh).fingerprint());
            let life = begin_life(generation, now, Some(Duration::from_secs(600)), 0.0);
            transaction.store_renewal(&device, &life.renewed_by(Some(refresh)))?;
            let held = before.and_then(|record| read(&record).1);
            let mut replaced = Vec::new();
            for spent in received.into_values().flatten().filter(|spent| held.as_ref() != Some(spent)) {
                let known = transaction.refresh_token(&SecretText::from(spent.as_str()).fingerprint())?;
                replaced.extend(known.filter(|known| known.stage == RenewalStage::Spent).map(|_| spent));
            }
            Ok(replaced)
        };
        let replaced = self.store().write::<_, StoreError, _>(keep).await.unwrap();
        // What these brought was on disk, and another secret took its place.
        self.provider()
            .received
            .values_mut()
            .for_each(|of_one| of_one.retain(|spent| !replaced.contains(spent)));
        self.spent.extend(replaced);
        self.note("somebody signs in".to_owned());
    }

    /// Somebody signs in anew, and the provider gives no refresh token, or the same again; what it gave is kept at once, or
    /// when more has happened, in so many of a hundred cases.
    pub(super) async fn sign_in_without_another_refresh_token(&mut self, late: u64) {
        // Whoever signs in takes a while.
        self.hand.forward(Duration::from_secs(1));
        let asked = self.store().moment().await.unwrap();
        let access = self.provider().issue_alone();
        let (same, life) = (self.handed_out_again().await, self.another_life(&access));
        self.note(format!("somebody signs in for {access} alone, or with {same:?}"));
        let came = self.store().moment().await.unwrap();
        let arrival = Arrival { access, same, life, asked, came };
        match self.dice.percent(late) {
            true => self.arriving.push(arrival),
            false => self.keep(arrival).await,
        }
    }

    /// What a sign-in brought before is kept.
    pub(super) async fn keep_what_came(&mut self) {
        while let Some(arrival) = self.arriving.pop() {
            self.keep(arrival).await;
        }
    }

    /// The refresh token before is taken over, or what was given for it meanwhile, unless that is known to be over.
    async fn keep(&mut self, Arrival { access, same, life, asked, came }: Arrival) {
        let (device, owners, secret) = (self.device.clone(), self.another_owner(), access.clone());
        let (same_again, now) = (same.clone().map(SecretText::from), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            let (before, known) = (transaction.record(&device)?, transaction.renewal(&device)?.unwrap());
            let before = before.unwrap();
            let kept = read(&before).1.map(SecretText::from);
            let of_same = match &same_again {
                Some(same) => transaction.refresh_token(&same.fingerprint())?,
                None => None,
            };
            let asked = Some(asked);
            let issued = same_again.as_ref().map(|token| IssuedToken {
                token,
                known: of_same.as_ref(),
                is_succeeded: false,
                asked,
                came,
            });
            let kept = kept.map(|kept| (kept.copy(), named(kept.fingerprint(), Some(&known))));
            let goes_on = kept.filter(|(_, known)| IssuedToken::goes_on(issued, known));
            let brought = || issued.map(|issued| (issued.token.copy(), issued.by_itself(now)));
            let (token, refresh) = goes_on.or_else(brought).unzip();
            let generation = before.generation + 1;
            let token = token.map(|token| token.expose().to_owned());
            let record = owned_by(owners, plain(generation, &secret, token.as_deref()));
            assert!(transaction.store_record(&device, &record)?);
            let life = StoredRenewal { generation, secret_since: generation, ..life };
            transaction.store_renewal(&device, &life.renewed_by(refresh.clone()))?;
            let was_over = of_same.is_some_and(|known| !known.renews());
            Ok(Kept { refresh, token, was_over })
        };
        let Kept { refresh, token, was_over } = self.store().write::<_, StoreError, _>(keep).await.unwrap();
        self.note(format!("{access} is kept beside {token:?}, {refresh:?}"));
        let Some((token, refresh)) = token.zip(refresh) else { return self.let_go += 1 };
        self.taken_over += 1;
        self.taken_over_under_way += usize::from(refresh.stage == RenewalStage::Sending);
        let is_spent = refresh.renews() && self.spent.contains(&token);
        assert!(!is_spent, "seed {}: {token} takes its successor's place", self.seed);
        self.kept_late += usize::from(same.as_ref().is_some_and(|same| *same != token));
        if refresh.renews() && was_over && same.as_ref() == Some(&token) {
            self.given_anew += 1;
            let at_work = self.processes.iter().filter(|process| process.task.is_some()).count();
            self.provider().is_given_anew(&token, at_work);
        }
        self.provider().is_beside(&token, access, refresh.sent);
    }

    /// The refresh token that a sign-in gets a second time, where it does: it is of use as far as the provider knows.
    async fn handed_out_again(&mut self) -> Option<String> {
        let (held, known) = (read(&self.record().await).1, self.renewal().await);
        let held = held.filter(|token| self.provider().takes(token));
        let again = held.filter(|_| self.dice.percent(90));
        self.handed_out_again +=
            usize::from(again.is_some() && known.refresh.is_some_and(|refresh| refresh.sent > 0));
        // What the provider takes and gives once more is no more spent than any other.
        again.as_ref().map(|again| self.spent.remove(again));
        again
    }

    /// The life of an access token that a sign-in brings, whose end the provider tells or not.
    pub(super) fn another_life(&mut self, access: &str) -> StoredRenewal {
        let lifetime = self.dice.percent(50).then_some(Duration::from_secs(600));
        if lifetime.is_none() {
            self.endless.insert(access.to_owned());
        }
        begin_life(0, self.hand.now(), lifetime, 0.0)
    }

    /// Somebody else owns what is kept from now on; answers who does then.
    pub(super) fn another_owner(&mut self) -> BTreeSet<u64> {
        self.came += 1;
        self.owners.insert(self.came);
        self.owners.clone()
    }

    /// Whoever came first leaves, where another stays: the same secret is sealed anew for the others.
    pub(super) async fn leave(&mut self) {
        if self.owners.len() > 1 {
            self.owners.pop_first();
        }
        let (device, owners) = (self.device.clone(), self.owners.clone());
        let seal_anew = move |transaction: &Transaction<'_>| {
            let before = transaction.record(&device)?.unwrap();
            let known = transaction.renewal(&device)?.unwrap();
            let (old, generation) = (before.generation, before.generation + 1);
            let record = owned_by(owners, StoredRecord { generation, ..before });
            assert!(transaction.store_record(&device, &record)?);
            carry_over(transaction, &device, old, generation)?;
            Ok(known.refresh.map(|refresh| refresh.stage))
        };
        let stage = self.store().write::<_, StoreError, _>(seal_anew).await.unwrap();
        self.note(format!("somebody leaves, {stage:?}"));
        self.left += 1;
        self.left_under_way += usize::from(stage == Some(RenewalStage::Sending));
        self.left_in_doubt += usize::from(stage == Some(RenewalStage::InDoubt));
    }
}
