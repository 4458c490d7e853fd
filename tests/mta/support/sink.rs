//! The rest of the world: a mail server that takes everything, but for recipients called `refused`, and keeps it as it
//! came.
//!
//! The MTA's bounces arrive here, and so does what a relaying submission server passes on.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A message as it arrived: dots unstuffed, line ends kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The reverse-path, without its brackets.
    pub(crate) sender: String,
    /// The recipients, without theirs.
    pub(crate) recipients: Vec<String>,
    /// The message.
    pub(crate) message: Vec<u8>,
}

impl Arrived {
    /// From a file that begins with the lines of the envelope, `DATA` the last of them.
    ///
    /// # Panics
    /// When there is no such line.
    pub(crate) fn from_batch(file: Vec<u8>) -> Self {
        let end = b"\nDATA\n";
        let at = file.windows(end.len()).position(|window| window == end).expect("an envelope and a message");
        let envelope = String::from_utf8_lossy(&file[..at]).into_owned();
        let of = |verb: &str| envelope.lines().filter(|line| line.starts_with(verb)).map(path).collect::<Vec<_>>();
        let sender = of("MAIL").into_iter().next().unwrap_or_default();
        Self { sender, recipients: of("RCPT"), message: file[at + end.len()..].to_vec() }
    }

    /// The message as text, for looking at.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

/// A listening sink. It ends with the process.
#[derive(Clone)]
pub(crate) struct Sink {
    address: SocketAddr,
    arrived: Arc<(Mutex<Vec<Arrived>>, Condvar)>,
}

impl Sink {
    /// Listens on a port of its own.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let sink = Self { address: listener.local_addr().expect("bound"), arrived: Arc::default() };
        let keeper = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeper = keeper.clone();
                std::thread::spawn(move || keeper.converse(stream));
            }
        });
        sink
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.kept().clone()
    }

    /// The message number `count`, counted from 1, once it is there.
    ///
    /// # Panics
    /// When it does not come.
    pub(crate) fn wait_for(&self, count: usize) -> Arrived {
        self.wait_until(&format!("message {count}"), |arrived| arrived.get(count - 1).cloned())
    }

    /// The first message that holds `text`, once it is there.
    ///
    /// # Panics
    /// When it does not come.
    pub(crate) fn wait_for_text(&self, text: &str) -> Arrived {
        let holds = |one: &&Arrived| one.text().contains(text);
        self.wait_until(&format!("message with {text}"), |arrived| arrived.iter().find(holds).cloned())
    }

    fn wait_until(&self, what: &str, found: impl Fn(&[Arrived]) -> Option<Arrived>) -> Arrived {
        let end = Instant::now() + Duration::from_secs(30);
        let mut kept = self.kept();
        loop {
            if let Some(one) = found(&kept) {
                return one;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} among the {} that arrived", kept.len());
            kept = self.arrived.1.wait_timeout(kept, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arrived>> {
        self.arrived.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn converse(&self, stream: TcpStream) -> Option<()> {
        let mut writer = stream.try_clone().ok()?;
        let mut reader = BufReader::new(stream);
        let mut sender = String::new();
        let mut recipients = Vec::new();
        writer.write_all(b"220 sink ESMTP\r\n").ok()?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
            let reply: &[u8] = match verb.as_str() {
                "EHLO" => b"250-sink\r\n250-8BITMIME\r\n250 SIZE 0\r\n",
                "MAIL" => {
                    sender = path(&line);
                    b"250 2.1.0 sender ok\r\n"
                }
                "RCPT" if path(&line).starts_with("refused@") => b"550 5.1.1 no such mailbox\r\n",
                "RCPT" => {
                    recipients.push(path(&line));
                    b"250 2.1.5 recipient ok\r\n"
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").ok()?;
                    let message = read_message(&mut reader).ok()?;
                    let recipients = std::mem::take(&mut recipients);
                    self.kept().push(Arrived { sender: std::mem::take(&mut sender), recipients, message });
                    self.arrived.1.notify_all();
                    b"250 2.0.0 kept\r\n"
                }
                "QUIT" => {
                    writer.write_all(b"221 2.0.0 bye\r\n").ok()?;
                    return None;
                }
                "RSET" => {
                    recipients.clear();
                    b"250 2.0.0 ok\r\n"
                }
                _ => b"250 2.0.0 ok\r\n",
            };
            writer.write_all(reply).ok()?;
        }
    }
}

/// What stands between the angle brackets.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

/// The message up to the end of data, which must be `CRLF . CRLF` and nothing else.
fn read_message(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" && (message.is_empty() || message.ends_with(b"\r\n")) {
            return Ok(message);
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
