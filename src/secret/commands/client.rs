//! The side that asks.

use super::{MAX_REQUEST, PRINTED, READY, Refusal, Wanted};
use crate::secret::source::{MAX_OCTETS, SecretError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv,
    sendmsg, socketpair,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// The process that runs commands for this one.
pub(super) struct Helper {
    /// Until there is a runtime to wait in.
    channel: OwnedFd,
    awaited: OnceLock<UnixStream>,
}

static HELPER: OnceLock<Helper> = OnceLock::new();

pub(super) fn helper() -> Option<&'static Helper> {
    HELPER.get()
}

/// Starts `command` as the process that runs [`super::serve`] on its standard input, for the rest of this one's life.
///
/// # Errors
/// What the system refused. Commands can't be run then where there is a fence.
pub fn start(mut command: Command) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    // It ends with the channel, so nobody has to wait for it.
    command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // What it was started with holds its end too.
    drop(command);
    await_ready(&ours)?;
    let _ = HELPER.set(Helper::at(ours));
    Ok(())
}

impl Helper {
    /// At the other end of `channel`.
    pub(super) fn at(channel: OwnedFd) -> Helper {
        Helper { channel, awaited: OnceLock::new() }
    }

    /// What the command for `wanted` prints.
    pub(super) async fn ask(&self, wanted: &Wanted) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        self.exchange(wanted).await.unwrap_or_else(|error| Err(SecretError::Helper(error.to_string())))
    }

    async fn exchange(&self, wanted: &Wanted) -> io::Result<Result<Zeroizing<Vec<u8>>, SecretError>> {
        let request = serde_json::to_vec(wanted)?;
        if request.len() > MAX_REQUEST {
            return Err(io::Error::other("the account's address is too long"));
        }
        let (ours, theirs) = StdUnixStream::pair()?;
        self.send(&request, theirs.as_fd()).await?;
        drop(theirs);
        ours.set_nonblocking(true)?;
        let answer = read(UnixStream::from_std(ours)?).await?;
        match answer.split_first() {
            Some((&PRINTED, printed)) => Ok(Ok(Zeroizing::new(printed.to_vec()))),
            Some((_, refusal)) => Ok(Err(serde_json::from_slice::<Refusal>(refusal)?.into())),
            None => Err(io::Error::other("it ended while it was asked")),
        }
    }

    async fn send(&self, request: &[u8], answer: BorrowedFd<'_>) -> io::Result<()> {
        let channel = self.awaited()?;
        channel.async_io(Interest::WRITABLE, || send(channel.as_fd(), request, answer)).await
    }

    fn awaited(&self) -> io::Result<&UnixStream> {
        if let Some(awaited) = self.awaited.get() {
            return Ok(awaited);
        }
        let made = awaited(self.channel.try_clone()?)?;
        Ok(self.awaited.get_or_init(|| made))
    }
}

fn await_ready(channel: &OwnedFd) -> io::Result<()> {
    let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
    let mut polled = [PollFd::new(channel, PollFlags::IN)];
    poll(&mut polled, Some(&patience))?;
    let mut word = [0; READY.len()];
    match recv(channel, &mut word, RecvFlags::empty())? {
        _ if word == READY => Ok(()),
        _ => Err(io::Error::other("it ended at once")),
    }
}

/// A channel whose readiness can be waited for. It is one of packets, which to the runtime is a stream like any other.
pub(super) fn awaited(channel: OwnedFd) -> io::Result<UnixStream> {
    UnixStream::from_std(StdUnixStream::from(channel))
}

/// Room for all at once: a buffer that grows leaves copies of the secret behind.
async fn read(mut stream: UnixStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(vec![0; usize::try_from(MAX_OCTETS).unwrap_or(usize::MAX) + 1]);
    let mut filled = 0;
    while filled < octets.len() {
        match stream.read(&mut octets[filled..]).await? {
            0 => break,
            count => filled += count,
        }
    }
    octets.truncate(filled);
    Ok(octets)
}

fn send(channel: BorrowedFd<'_>, request: &[u8], answer: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [answer];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    sendmsg(channel, &[IoSlice::new(request)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}
