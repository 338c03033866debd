//! What one device's webhooks take of the store's time leaves others theirs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as blocking};

use endo::store::{Account, View};
use futures_util::future::{FutureExt, join_all};
use futures_util::poll;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

async fn is_called(calls: &mut mpsc::UnboundedReceiver<Seen>) {
    tokio::time::timeout(PATIENCE, calls.recv()).await.expect("it waits for another device's calls").unwrap();
}

#[tokio::test]
async fn what_a_webhook_is_looked_up_with_is_read_on_the_account_of_its_device() {
    const READS: usize = 20;
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let (device, sender) = (post.hooked(hook(&api)).await, post.bus.device(json!({})).await);
    let (go, told) = blocking::channel::<()>();
    let (told, done) = (Arc::new(Mutex::new(told)), Arc::new(AtomicUsize::new(0)));
    let read = |_| {
        let (told, done) = (Arc::clone(&told), Arc::clone(&done));
        let wait = move |_: &View<'_>| {
            told.lock().unwrap().recv().map_err(|_| StoreError::Closed)?;
            done.fetch_add(1, Ordering::SeqCst);
            Ok::<_, StoreError>(())
        };
        let store = post.bus.bus.store().clone();
        let account = Account::Of(device.uuid.as_str().into());
        async move { store.read_for(account, wait).await }.boxed()
    };
    let mut reads: Vec<_> = (0..READS).map(read).collect();
    for read in &mut reads {
        assert!(poll!(read).is_pending());
    }
    let reads = tokio::spawn(join_all(reads));
    post.send(&sender, &json!({"devices": device.uuid})).await;
    for n in 1..READS - 1 {
        go.send(()).unwrap();
        while done.load(Ordering::SeqCst) < n {
            tokio::task::yield_now().await;
        }
        send(post.bus.anonymous("GET /ping")).await.is(200, r#"{"online":true}"#);
        assert!(calls.try_recv().is_err(), "it went before {} reads of its device", READS - n);
    }
    go.send(()).unwrap();
    go.send(()).unwrap();
    is_called(&mut calls).await;
    assert!(reads.await.unwrap().iter().all(Result::is_ok));
}
