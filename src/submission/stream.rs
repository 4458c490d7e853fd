//! A connection with or without TLS.

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// What a dialogue runs on.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    /// To a program of this host.
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Reads what is there without waiting: `None` where nothing is, no octets at the end of the connection.
    ///
    /// A TLS record may hold no octet of the dialogue (a ticket, new keys), and the runtime may not have heard yet of
    /// what the kernel has; so the kernel is asked until nothing is left.
    pub(super) async fn read_now(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            let read = poll_fn(|cx| Poll::Ready(self.poll_take(cx, buffer))).await;
            if let Poll::Ready(read) = read {
                return Some(read.unwrap_or(0));
            }
            if !self.is_waiting() {
                return None;
            }
            if self.readable().await.is_err() {
                return Some(0);
            }
        }
    }

    /// Octets into `buffer`, none at the end of the connection.
    pub(super) fn poll_take(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(self).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes what is left of a flight, and flushes it.
    pub(super) fn poll_give(&mut self, cx: &mut Context<'_>, left: &mut &[u8]) -> Poll<io::Result<()>> {
        while !left.is_empty() {
            match ready!(Pin::new(&mut *self).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => *left = &left[written..],
            }
        }
        Pin::new(self).poll_flush(cx)
    }

    /// Whether the kernel has anything for us: octets, the end, or an error.
    fn is_waiting(&self) -> bool {
        let (octet, flags) = (&mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let peeked = match self {
            Stream::Plain(stream) => recv(stream, octet, flags),
            Stream::Unix(stream) => recv(stream, octet, flags),
            Stream::Tls(stream) => recv(stream.get_ref().0, octet, flags),
        };
        !matches!(peeked, Err(Errno::AGAIN | Errno::INTR))
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.readable().await,
            Stream::Unix(stream) => stream.readable().await,
            Stream::Tls(stream) => stream.get_ref().0.readable().await,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, octets),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
