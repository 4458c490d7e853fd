//! The side that runs commands. Whatever comes is one request that is refused, and no reason to end: nobody could start
//! it again.

use super::client::awaited;
use super::{MAX_REQUEST, PRINTED, READY, REFUSED, Refusal, Wanted};
use crate::secret::source::{SecretCommand, SecretError};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Commands at once; further requests wait in the channel.
const MOST: usize = 64;

/// A packet.
enum Received {
    Request(Wanted, OwnedFd),
    Nonsense,
    /// Nobody is at the other end any more.
    End,
}

/// Runs for whoever is at the other end of `channel` the command that `lookup` finds for what is wanted, until he is gone;
/// those under way are killed then.
///
/// # Errors
/// The system's, if the channel can't be waited for.
pub async fn serve(
    channel: OwnedFd,
    mut lookup: impl FnMut(&Wanted) -> Result<SecretCommand, String>,
) -> io::Result<()> {
    send(&channel, READY, SendFlags::NOSIGNAL)?;
    let channel = awaited(channel)?;
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let seat = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
        match channel.async_io(Interest::READABLE, || receive(channel.as_fd())).await {
            Ok(Received::Request(wanted, answer)) => begin(lookup(&wanted), answer, seat),
            Ok(Received::Nonsense) => {}
            Ok(Received::End) => return Ok(()),
            // No descriptors or no memory: others must end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

fn receive(channel: BorrowedFd<'_>) -> io::Result<Received> {
    let mut octets = [0; MAX_REQUEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(channel, &mut [IoSliceMut::new(&mut octets)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(Received::End);
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            descriptors.extend(passed);
        }
    }
    Ok(match (serde_json::from_slice(&octets[..received.bytes]), descriptors.pop()) {
        (Ok(wanted), Some(answer)) => Received::Request(wanted, answer),
        _ => Received::Nonsense,
    })
}

fn begin(command: Result<SecretCommand, String>, answer: OwnedFd, seat: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        // Who does not take the answer does not get one.
        let _ = respond(command, answer).await;
        drop(seat);
    });
}

async fn respond(command: Result<SecretCommand, String>, answer: OwnedFd) -> io::Result<()> {
    let stream = std::os::unix::net::UnixStream::from(answer);
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    let printed = match command {
        Err(problem) => Err(SecretError::Helper(problem)),
        Ok(command) => {
            let mut nothing = [0; 1];
            tokio::select! {
                printed = command.output() => printed,
                // Nothing comes but the end: he waits no longer.
                _ = stream.read(&mut nothing) => return Ok(()),
            }
        }
    };
    let (kind, octets) = match printed {
        Ok(octets) => (PRINTED, octets),
        Err(error) => (REFUSED, Zeroizing::new(serde_json::to_vec(&Refusal::from(error))?)),
    };
    stream.write_all(&[kind]).await?;
    stream.write_all(&octets).await
}
