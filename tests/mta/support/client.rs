//! A customer's mail program: SMTP submission with AUTH PLAIN, one command at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::log::Log;

/// One SMTP session with the MTA under test.
pub(crate) struct Submission {
    reader: BufReader<TcpStream>,
    log: Log,
}

impl Submission {
    /// Connects and says EHLO. `log` is the MTA's, shown when it answers what was not expected.
    pub(crate) fn connect(address: SocketAddr, log: &Log) -> Self {
        let stream = TcpStream::connect(address).expect("the MTA listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        let mut session = Self { reader: BufReader::new(stream), log: log.clone() };
        session.expect("220");
        session.command("EHLO laptop.example", "250");
        session
    }

    /// Authenticates.
    pub(crate) fn login(&mut self, login: &str, password: &str) {
        let response = STANDARD.encode(format!("\0{login}\0{password}"));
        self.command(&format!("AUTH PLAIN {response}"), "235");
    }

    /// Sends a message, lines ending in CRLF and dots stuffed as it is given, and returns the queue id.
    pub(crate) fn send(&mut self, sender: &str, recipients: &[&str], message: &[u8]) -> String {
        self.begin(sender, recipients);
        self.finish(message)
    }

    /// The envelope, up to the word to go on.
    pub(crate) fn begin(&mut self, sender: &str, recipients: &[&str]) {
        self.command(&format!("MAIL FROM:<{sender}>"), "250");
        for recipient in recipients {
            self.command(&format!("RCPT TO:<{recipient}>"), "250");
        }
        self.command("DATA", "354");
    }

    /// The message, and the queue id that it gets.
    pub(crate) fn finish(&mut self, message: &[u8]) -> String {
        self.write(&stuffed(message));
        self.write(b".\r\n");
        let reply = self.expect("250");
        // Postfix: "250 2.0.0 Ok: queued as ID"; Exim: "250 OK id=ID".
        reply.rsplit([' ', '=']).next().expect("a queue id").to_owned()
    }

    /// Sends a command and returns the reply, which must begin with `code`.
    pub(crate) fn command(&mut self, line: &str, code: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.expect(code)
    }

    fn write(&mut self, octets: &[u8]) {
        self.reader.get_mut().write_all(octets).expect("the MTA reads");
    }

    fn expect(&mut self, code: &str) -> String {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("the MTA answers");
            assert!(line.starts_with(code), "expected {code}, but found {line:?}; {}", self.log.text());
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }
}

/// Doubles the dot at the beginning of a line (RFC 5321, section 4.5.2).
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out
}
