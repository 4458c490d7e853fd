//! The octets of one connection, in clear or under TLS, with nothing read ahead that could be missed.

use std::io;
use std::pin::Pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The longest command line, beyond RFC 5321's 512 and RFC 4954's 12288 octets.
const MAX_LINE: usize = 16_384;
const READ_SIZE: usize = 65_536;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between the two.
    None,
}

/// A command line as it came.
pub(super) enum Line {
    /// Ended by CRLF, which is taken off.
    Complete(Vec<u8>),
    /// Ended by LF alone, or with a CR inside.
    Bare,
    /// Over the limit.
    TooLong,
    /// The peer closed.
    End,
}

pub(super) struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Connection {
        Connection { stream: Stream::Plain(stream), buffer: Vec::new() }
    }

    /// Reads up to the next LF.
    pub(super) async fn line(&mut self) -> io::Result<Line> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|octet| *octet == b'\n') {
                let rest = self.buffer.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                let ended_by_crlf = line.pop_if(|octet| *octet == b'\r').is_some();
                let clean = ended_by_crlf && !line.contains(&b'\r');
                return Ok(if clean { Line::Complete(line) } else { Line::Bare });
            }
            searched = self.buffer.len();
            if searched > MAX_LINE {
                return Ok(Line::TooLong);
            }
            if !self.fill().await? {
                return Ok(Line::End);
            }
        }
    }

    /// What has been read and not consumed; reads more if there is nothing. Empty at the end.
    pub(super) async fn octets(&mut self) -> io::Result<&[u8]> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        Ok(&self.buffer)
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.drain(..count);
    }

    /// Forgets what was read and not consumed.
    pub(super) fn discard(&mut self) {
        self.buffer.clear();
    }

    /// How many octets the peer has sent beyond what was consumed, without waiting for any.
    pub(super) async fn early(&mut self) -> usize {
        let mut room = [0; 512];
        let mut read = ReadBuf::new(&mut room);
        let stream = &mut self.stream;
        // Pending means that nothing came; an error shows at the next read.
        std::future::poll_fn(|context| {
            let _ = match stream {
                Stream::Plain(plain) => Pin::new(plain).poll_read(context, &mut read),
                Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_read(context, &mut read),
                Stream::None => Poll::Pending,
            };
            Poll::Ready(())
        })
        .await;
        self.buffer.extend_from_slice(read.filled());
        self.buffer.len()
    }

    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let stream: &mut (dyn AsyncWrite + Unpin + Send) = match &mut self.stream {
            Stream::Plain(plain) => plain,
            Stream::Tls(tls) => tls.as_mut(),
            Stream::None => return Err(io::ErrorKind::NotConnected.into()),
        };
        stream.write_all(octets).await?;
        stream.flush().await
    }

    /// Begins TLS; answers with its version.
    pub(super) async fn start_tls(&mut self, acceptor: &TlsAcceptor) -> io::Result<String> {
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::None) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let tls = acceptor.accept(plain).await?;
        let version = tls.get_ref().1.protocol_version().and_then(|version| version.as_str());
        let version = version.unwrap_or("unknown").to_owned();
        self.stream = Stream::Tls(Box::new(tls));
        Ok(version)
    }

    /// Waits until the peer closes, whatever it sends.
    pub(super) async fn until_closed(&mut self) {
        while matches!(self.fill().await, Ok(true)) {
            self.buffer.clear();
        }
    }

    /// Says that nothing more will be sent; the peer may be gone already.
    pub(super) async fn close(&mut self) {
        let _ = match &mut self.stream {
            Stream::Plain(plain) => plain.shutdown().await,
            Stream::Tls(tls) => tls.shutdown().await,
            Stream::None => Ok(()),
        };
    }

    async fn fill(&mut self) -> io::Result<bool> {
        let stream: &mut (dyn AsyncRead + Unpin + Send) = match &mut self.stream {
            Stream::Plain(plain) => plain,
            Stream::Tls(tls) => tls.as_mut(),
            Stream::None => return Ok(false),
        };
        self.buffer.reserve(READ_SIZE);
        Ok(stream.read_buf(&mut self.buffer).await? > 0)
    }
}
