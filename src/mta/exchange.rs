//! Request and reply on a stream, over and over: what policy delegation and socketmap have in common.

use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Octets read in one go: requests are short, and a connection that waits shall cost little.
const PIECE: usize = 4096;

/// Answers requests.
pub trait Exchange: Sync {
    /// Looks for a request at the start of `buffer`, and answers it.
    fn next(&self, buffer: &[u8]) -> Next;
}

/// What stands at the start of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not a whole request yet.
    Incomplete,
    /// One that takes so many octets, and this reply to it.
    Reply {
        /// How much of the buffer it was.
        consumed: usize,
        /// What goes back.
        reply: Vec<u8>,
    },
    /// No request, and never will be: nobody knows where the next one begins, so the connection ends.
    Broken(String),
}

/// Answers requests on a stream until the client leaves, is silent for longer than `idle`, or `stopping` is over and no
/// request is half read.
///
/// # Errors
/// Those of the stream, and of a client that sends what is no request.
pub async fn exchange<S, E>(
    stream: &mut S,
    requests: &E,
    idle: Duration,
    stopping: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    E: Exchange,
{
    let mut buffer = Vec::new();
    let mut is_stopping = false;
    tokio::pin!(stopping);
    loop {
        answer(stream, requests, &mut buffer, idle).await?;
        if is_stopping && buffer.is_empty() {
            return Ok(());
        }
        buffer.reserve(PIECE);
        let read = tokio::select! {
            // What the client has sent already is answered before a stop.
            biased;
            read = timeout(idle, stream.read_buf(&mut buffer)) => read,
            () = stopping.as_mut(), if !is_stopping => {
                is_stopping = true;
                continue;
            }
        };
        match read {
            Ok(Ok(0)) | Err(_) => return Ok(()),
            Ok(read) => read.map(drop)?,
        }
    }
}

/// Answers every whole request in the buffer, in their order.
async fn answer<S, E>(stream: &mut S, requests: &E, buffer: &mut Vec<u8>, idle: Duration) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
    E: Exchange,
{
    loop {
        match requests.next(buffer) {
            Next::Incomplete => break,
            Next::Broken(problem) => return Err(io::Error::new(io::ErrorKind::InvalidData, problem)),
            Next::Reply { consumed, reply } => {
                buffer.drain(..consumed);
                let written = async {
                    stream.write_all(&reply).await?;
                    stream.flush().await
                };
                timeout(idle, written).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            }
        }
    }
    if buffer.is_empty() {
        // A long request does not keep its room for as long as the connection lasts.
        buffer.shrink_to(PIECE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    /// Echoes lines; a line `bad` is no request.
    struct Lines;

    impl Exchange for Lines {
        fn next(&self, buffer: &[u8]) -> Next {
            match buffer.iter().position(|octet| *octet == b'\n') {
                None => Next::Incomplete,
                Some(end) if &buffer[..end] == b"bad" => Next::Broken("bad".to_owned()),
                Some(end) => Next::Reply { consumed: end + 1, reply: buffer[..=end].to_vec() },
            }
        }
    }

    const IDLE: Duration = Duration::from_secs(3600);

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let builder = tokio::runtime::Builder::new_current_thread().enable_all().build();
        builder.unwrap().block_on(work)
    }

    #[test]
    fn every_request_is_answered_however_it_is_cut() {
        for size in [1, 3, 100] {
            let octets = block_on(async {
                let (mut ours, mut theirs) = duplex(size);
                let client = async {
                    let (mut reading, mut writing) = tokio::io::split(&mut theirs);
                    let mut replies = vec![0; 8];
                    let (written, read) =
                        tokio::join!(writing.write_all(b"one\ntwo\n"), reading.read_exact(&mut replies));
                    written.unwrap();
                    read.unwrap();
                    writing.shutdown().await.unwrap();
                    replies
                };
                let (served, replies) = tokio::join!(exchange(&mut ours, &Lines, IDLE, std::future::pending()), client);
                served.unwrap();
                replies
            });
            assert_eq!(octets, b"one\ntwo\n", "{size} octets at a time");
        }
    }

    #[test]
    fn what_is_no_request_ends_the_connection() {
        let error = block_on(async {
            let (mut ours, mut theirs) = duplex(100);
            theirs.write_all(b"bad\n").await.unwrap();
            exchange(&mut ours, &Lines, IDLE, std::future::pending()).await.unwrap_err()
        });
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_stop_waits_for_the_rest_of_a_request() {
        block_on(async {
            let (mut ours, mut theirs) = duplex(100);
            theirs.write_all(b"on").await.unwrap();
            let client = async {
                theirs.write_all(b"e\n").await.unwrap();
                let mut reply = [0; 4];
                theirs.read_exact(&mut reply).await.unwrap();
                reply
            };
            let (served, reply) = tokio::join!(exchange(&mut ours, &Lines, IDLE, std::future::ready(())), client);
            served.unwrap();
            assert_eq!(&reply, b"one\n");
        });
    }

    #[test]
    fn a_client_that_is_silent_is_sent_away() {
        block_on(async {
            let (mut ours, _theirs) = duplex(100);
            exchange(&mut ours, &Lines, Duration::from_millis(1), std::future::pending()).await.unwrap();
        });
    }
}
