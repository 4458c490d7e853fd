//! A session that nobody uses, in the hands of a task that watches it.

use crate::submission::Authenticated;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A session, and the right to have it at its provider.
type Held = (Authenticated, OwnedSemaphorePermit);

/// Whose it is, and how to get it.
pub(super) struct Idle {
    pub(super) account: String,
    pub(super) key: String,
    claim: oneshot::Sender<oneshot::Sender<Held>>,
}

impl Idle {
    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.claim.is_closed()
    }

    /// The session, if it has not ended in this moment.
    pub(super) async fn take(self) -> Option<Held> {
        let (taker, taken) = oneshot::channel();
        self.claim.send(taker).ok()?;
        taken.await.ok()
    }
}

/// Holds an idle session until it is claimed, closed by its server, or idle for too long. A claim that is dropped ends it.
pub(super) fn watch(
    account: &str,
    key: &str,
    mut session: Authenticated,
    right: OwnedSemaphorePermit,
    idle: Duration,
) -> Idle {
    let (claim, claimed) = oneshot::channel::<oneshot::Sender<Held>>();
    tokio::spawn(async move {
        session.set_deadline(None);
        let taker = tokio::select! {
            biased;
            taker = claimed => taker.ok(),
            // Nothing can be said to it any more.
            () = session.closed() => return,
            () = tokio::time::sleep(idle) => None,
        };
        let left = match taker {
            Some(taker) => taker.send((session, right)).err(),
            None => Some((session, right)),
        };
        if let Some((session, _right)) = left {
            session.quit().await;
        }
    });
    Idle { account: account.to_owned(), key: key.to_owned(), claim }
}
