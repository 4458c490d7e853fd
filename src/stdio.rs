//! Standard input and output as async streams, without a helper thread and without touching the descriptors' flags.
//!
//! `O_NONBLOCK` belongs to the open file, which may be shared with a shell or an MTA, so it is left alone: each read and
//! write is preceded by poll(2), and never asks for more than poll promised. What epoll does not take (a regular file,
//! `/dev/null`) never blocks for long and is read directly.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::SendFlags;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// How much a pipe that poll(2) calls writable takes at least without blocking.
const PIPE_BUF: usize = 4096;

/// Standard input.
#[derive(Debug)]
pub struct Stdin(Stream<io::Stdin>);

/// Standard output, unbuffered.
#[derive(Debug)]
pub struct Stdout(Stream<io::Stdout>);

#[derive(Debug)]
enum Stream<T: AsRawFd> {
    /// A pipe, a socket, a terminal.
    Polled(AsyncFd<T>),
    /// A regular file or a device that is always ready.
    Direct(T),
}

/// Standard input; to be called once, inside a runtime.
///
/// # Errors
/// What epoll says, except that it has no use for such a file.
pub fn stdin() -> io::Result<Stdin> {
    Stream::new(io::stdin, Interest::READABLE).map(Stdin)
}

/// Standard output; to be called once, inside a runtime.
///
/// # Errors
/// What epoll says, except that it has no use for such a file.
pub fn stdout() -> io::Result<Stdout> {
    Stream::new(io::stdout, Interest::WRITABLE).map(Stdout)
}

/// Writes `text` to standard output at once, waiting where it must.
///
/// # Errors
/// What write(2) says; a closed pipe is an error, not a signal.
pub fn print(text: &str) -> io::Result<()> {
    write_all(io::stdout(), text.as_bytes())
}

/// Writes `text` to standard error at once, waiting where it must.
///
/// # Errors
/// What write(2) says.
pub fn print_error(text: &str) -> io::Result<()> {
    write_all(io::stderr(), text.as_bytes())
}

/// Whether somebody can read standard output.
pub fn stdout_is_open() -> bool {
    is_open(io::stdout())
}

/// Whether standard input leads anywhere.
pub fn stdin_is_open() -> bool {
    is_open(io::stdin())
}

/// Closed when the process began, a stream was opened on `/dev/null` for reading and writing by the standard library;
/// nobody redirects that way by hand.
fn is_open(stream: impl AsFd) -> bool {
    let (Ok(stat), Ok(flags)) = (rustix::fs::fstat(&stream), rustix::fs::fcntl_getfl(&stream)) else {
        return false;
    };
    let is_device = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::CharacterDevice;
    let is_null = is_device && (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)) == (1, 3);
    !(is_null && flags.contains(rustix::fs::OFlags::RDWR))
}

/// Whether a pipe or socket on standard output still has its reader. What is neither has nobody who could go.
pub fn stdout_has_reader() -> bool {
    // Asked for nothing, poll(2) tells of an end alone.
    !is_ready(&io::stdout(), PollFlags::empty()).unwrap_or(false)
}

fn write_all(stream: impl AsFd, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        match rustix::io::write(&stream, octets) {
            Ok(written) => octets = &octets[written..],
            Err(Errno::INTR) => {}
            // Somebody else made the shared file non-blocking.
            Err(Errno::AGAIN) => wait_until(&stream, PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_until(stream: &impl AsFd, flags: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(stream, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_ready(stream: &impl AsFd, flags: PollFlags) -> io::Result<bool> {
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut [PollFd::new(stream, flags)], Some(&now)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl<T: AsRawFd + AsFd> Stream<T> {
    #[expect(deprecated, reason = "its replacement is unsafe to call; standard streams are never closed by us")]
    fn new(open: fn() -> T, interest: Interest) -> io::Result<Stream<T>> {
        match AsyncFd::with_interest(open(), interest) {
            Ok(fd) => Ok(Stream::Polled(fd)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Stream::Direct(open())),
            Err(error) => Err(error),
        }
    }
}

fn read_now(stream: &impl AsFd, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
    let read = rustix::io::retry_on_intr(|| rustix::io::read(stream, buffer.initialize_unfilled()))?;
    buffer.advance(read);
    Ok(())
}

impl AsyncRead for Stdin {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let fd = match &self.0 {
            Stream::Direct(stdin) => return Poll::Ready(read_now(stdin, buffer)),
            Stream::Polled(fd) => fd,
        };
        loop {
            let mut guard = ready!(fd.poll_read_ready(cx))?;
            if is_ready(fd.get_ref(), PollFlags::IN)? {
                return Poll::Ready(read_now(fd.get_ref(), buffer));
            }
            guard.clear_ready();
        }
    }
}

/// Writes what fits without blocking: a socket takes a flag for that, a pipe that is writable takes `PIPE_BUF` octets.
fn write_now(stream: &impl AsFd, octets: &[u8]) -> Result<usize, Errno> {
    match rustix::net::send(stream, octets, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
        Err(Errno::NOTSOCK) => rustix::io::write(stream, &octets[..octets.len().min(PIPE_BUF)]),
        sent => sent,
    }
}

impl AsyncWrite for Stdout {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let fd = match &self.0 {
            Stream::Direct(stdout) => return Poll::Ready(write_now(stdout, octets).map_err(io::Error::from)),
            Stream::Polled(fd) => fd,
        };
        loop {
            let mut guard = ready!(fd.poll_write_ready(cx))?;
            if is_ready(fd.get_ref(), PollFlags::OUT)? {
                match write_now(fd.get_ref(), octets) {
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    result => return Poll::Ready(result.map_err(io::Error::from)),
                }
            }
            guard.clear_ready();
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
