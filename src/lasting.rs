//! Work that goes on when nobody waits for it any more, and whoever waits until all of it is over.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What goes on so. Cheap to clone; every clone counts the same work.
#[derive(Clone, Debug, Default)]
pub struct Lasting(watch::Sender<usize>);

/// Work that goes on; over when dropped, however it ended.
#[must_use = "dropping it says that the work is over"]
pub struct Going(Lasting);

impl Lasting {
    /// Has a task of its own do this; must be called within a Tokio runtime.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let going = self.begin();
        tokio::spawn(async move {
            let done = work.await;
            drop(going);
            done
        })
    }

    /// Something goes on until what this gives is dropped.
    pub fn begin(&self) -> Going {
        self.0.send_modify(|going| *going += 1);
        Going(self.clone())
    }

    /// Waits until none of it goes on.
    pub async fn until_over(&self) {
        // Fails where nobody can begin any, which this can.
        let _ = self.0.subscribe().wait_for(|going| *going == 0).await;
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.0.send_modify(|going| *going -= 1);
    }
}
