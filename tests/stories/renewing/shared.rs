//! Two gateways over one store, which share nothing else.

use std::sync::Arc;

use endo::ambient::Random;
use endo::source::renewal::Upstream;
use tokio::sync::Semaphore;

use super::{House, until};
use crate::support::provider::Fault;

#[tokio::test]
async fn two_gateways_that_share_a_store_renew_a_secret_once() {
    let house = House::open(None).await;
    let gate = Arc::new(Semaphore::new(0));
    house.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    house.provider.expire("access-1");
    let one = house.gateway.gateway.credentials.clone();
    let upstream = Upstream::from(house.provider.client());
    let other = one.clone().renewing(Some(upstream), Random::system());
    let renewing: Vec<_> = (0..100)
        .map(|n| {
            let gateway = if n % 2 == 0 { one.clone() } else { other.clone() };
            let device = house.chain.credentials.clone();
            tokio::spawn(async move { gateway.renew_refused(&device, 1).await })
        })
        .collect();
    until(|| house.provider.token_requests() == 1).await;
    gate.add_permits(1);
    for one in renewing {
        one.await.unwrap().unwrap();
    }
    assert_eq!((house.provider.token_requests(), house.record().await.generation), (1, 2));
    assert_eq!(house.provider.reused(), [""; 0]);
}
