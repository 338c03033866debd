//! People sign in and leave again in a simulated life, whatever is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use endo::source::renewal::{begin_life, carry_over, take_over};
use endo::store::{RenewalStage, StoreError, StoredRecord, StoredRenewal, Transaction};

use super::super::super::{owned_by, plain, read};
use super::Life;

impl Life {
    /// Somebody signs in, for the first time or anew.
    pub(super) async fn sign_in(&mut self) {
        let (access, refresh) = self.provider().issue();
        let owners = self.another_owner();
        let (device, now) = (self.device.clone(), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            let generation = transaction.record(&device)?.map_or(1, |record| record.generation + 1);
            let record = owned_by(owners, plain(generation, &access, Some(&refresh)));
            assert!(transaction.store_record(&device, &record)?);
            let lifetime = Some(Duration::from_secs(600));
            transaction.store_renewal(&device, &begin_life(generation, now, lifetime, 0.0))
        };
        self.store().write::<_, StoreError, _>(keep).await.unwrap();
        self.note("somebody signs in".to_owned());
    }

    /// Somebody signs in anew, and the provider gives no refresh token: the one before is taken over, unless it is known to
    /// be over.
    pub(super) async fn sign_in_without_refresh_token(&mut self) {
        let access = self.provider().issue_alone();
        let owners = self.another_owner();
        let (device, now, brought) = (self.device.clone(), self.hand.now(), access.clone());
        let lifetime = self.dice.percent(50).then_some(Duration::from_secs(600));
        if lifetime.is_none() {
            self.endless.insert(access.clone());
        }
        let keep = move |transaction: &Transaction<'_>| {
            let (before, known) = (transaction.record(&device)?, transaction.renewal(&device)?.unwrap());
            let before = before.unwrap();
            let refresh = read(&before).1.filter(|_| known.stage != RenewalStage::Dead);
            let generation = before.generation + 1;
            let record = owned_by(owners, plain(generation, &brought, refresh.as_deref()));
            assert!(transaction.store_record(&device, &record)?);
            let life = begin_life(generation, now, lifetime, 0.0);
            match &refresh {
                Some(_) => take_over(transaction, &device, life)?,
                None => transaction.store_renewal(&device, &StoredRenewal { renew_at: None, ..life })?,
            }
            Ok((refresh, known))
        };
        let (refresh, known) = self.store().write::<_, StoreError, _>(keep).await.unwrap();
        self.note(format!("somebody signs in for {access} alone, beside {refresh:?}, {:?}", known.stage));
        match refresh {
            Some(refresh) => {
                self.taken_over += 1;
                self.taken_over_under_way += usize::from(known.stage == RenewalStage::Sending);
                self.provider().is_beside(&refresh, access, known.sent);
            }
            None => self.let_go += 1,
        }
    }

    /// Somebody else owns what is kept from now on; answers who does then.
    fn another_owner(&mut self) -> BTreeSet<u64> {
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
            Ok(known.stage)
        };
        let stage = self.store().write::<_, StoreError, _>(seal_anew).await.unwrap();
        self.note(format!("somebody leaves, {stage:?}"));
        self.left += 1;
        self.left_under_way += usize::from(stage == RenewalStage::Sending);
        self.left_in_doubt += usize::from(stage == RenewalStage::InDoubt);
    }
}
