//! How many there are of something, counted by what lasts as long as it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many of a kind there are now.
#[derive(Clone, Default)]
pub(super) struct Count(Arc<AtomicUsize>);

/// One of them, for as long as it lasts.
pub(super) struct Counted(Count);

impl Count {
    pub(super) fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn one(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    /// One more, unless there are as many as may be.
    pub(super) fn one_more(&self, most: usize) -> Option<Counted> {
        let counted = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| (now < most).then_some(now + 1));
        counted.ok().map(|_| Counted(self.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
