//! Submissions by the users of this host: the kernel says who is at the other end, so nobody can claim another's name,
//! and the secrets stay in this process.

use super::Live;
use crate::log;
use crate::mta::delivery::Desk;
use crate::mta::{counter, unix_user};
use crate::verdict::Verdict;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// How long a delivery may take: a stop waits no longer either.
const PATIENCE: Duration = crate::mta::lmtp::DEADLINE;

/// Connections of one user at once, so that nobody takes all that the mail server needs.
const MOST_OF_ONE: usize = 20;

/// Connections of all of them.
const MOST: usize = 500;

/// How many connections each user has.
#[derive(Default)]
pub(super) struct Present {
    by_uid: Mutex<HashMap<u32, usize>>,
}

/// One connection in the count.
struct Visit<'a> {
    present: &'a Present,
    uid: u32,
}

/// Takes messages of the user until he leaves.
pub(super) async fn answer<S>(
    stream: &mut S,
    uid: Option<u32>,
    live: &Live,
    stopping: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // By TCP nobody is known: the configuration has no such socket, but systemd may pass one.
    let Some(uid) = uid else { return turn_away(stream, "421 4.7.0 only by a Unix socket\r\n").await };
    let Some(_visit) = live.present.enter(uid) else {
        return turn_away(stream, "421 4.7.0 too many connections, try again later\r\n").await;
    };
    let submitter = match unix_user::submitter(uid) {
        Ok(submitter) => submitter,
        Err(outcome) => {
            log::warning(&format!("submission by uid {uid}: {}", Verdict::from(&outcome).text));
            return turn_away(stream, "421 4.3.0 not able to tell who you are, try again later\r\n").await;
        }
    };
    let desk = || Arc::new(Desk::at(live.relay(), submitter.clone(), PATIENCE));
    counter::serve(stream, desk, stopping).await.map(drop)
}

async fn turn_away<S: AsyncWrite + Unpin>(stream: &mut S, reply: &str) -> io::Result<()> {
    stream.write_all(reply.as_bytes()).await
}

impl Present {
    fn enter(&self, uid: u32) -> Option<Visit<'_>> {
        let mut by_uid = self.lock();
        if by_uid.values().sum::<usize>() >= MOST {
            return None;
        }
        let count = by_uid.entry(uid).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Visit { present: self, uid })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.by_uid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut by_uid = self.present.lock();
        if let Some(count) = by_uid.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                by_uid.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_so_many_connections_and_no_more_while_others_have_theirs() {
        let present = Present::default();
        let mut visits: Vec<_> = (0..MOST_OF_ONE).filter_map(|_| present.enter(1000)).collect();
        assert_eq!(visits.len(), MOST_OF_ONE);
        assert!(present.enter(1000).is_none());
        assert!(present.enter(1001).is_some(), "another");
        visits.pop();
        assert!(present.enter(1000).is_some());
        drop(visits);
        assert!(present.lock().is_empty(), "who has left is forgotten");
    }

    #[test]
    fn all_of_them_together_leave_room_for_the_mail_server() {
        let present = Present::default();
        let visits: Vec<_> = (0..MOST).filter_map(|number| present.enter(u32::try_from(number).unwrap())).collect();
        assert_eq!(visits.len(), MOST);
        assert!(present.enter(100_000).is_none());
    }
}
