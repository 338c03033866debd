//! People sign in again in a simulated life, whatever is under way.

use std::time::Duration;

use endo::source::renewal::{begin_life, take_over};
use endo::store::{RenewalStage, StoreError, StoredRenewal, Transaction};

use super::super::super::{plain, read};
use super::Life;

impl Life {
    /// Somebody signs in, for the first time or anew.
    pub(super) async fn sign_in(&mut self) {
        let (access, refresh) = self.provider().issue();
        let (device, now) = (self.device.clone(), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            let generation = transaction.record(&device)?.map_or(1, |record| record.generation + 1);
            assert!(transaction.store_record(&device, &plain(generation, &access, Some(&refresh)))?);
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
        let (device, now, brought) = (self.device.clone(), self.hand.now(), access.clone());
        let keep = move |transaction: &Transaction<'_>| {
            let (before, known) = (transaction.record(&device)?, transaction.renewal(&device)?.unwrap());
            let before = before.unwrap();
            let refresh = read(&before).1.filter(|_| known.stage != RenewalStage::Dead);
            let generation = before.generation + 1;
            assert!(transaction.store_record(&device, &plain(generation, &brought, refresh.as_deref()))?);
            let life = begin_life(generation, now, Some(Duration::from_secs(600)), 0.0);
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
}
