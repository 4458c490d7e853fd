//! A dialogue as a file: what the test sets up, what server and client say, what becomes of it.
//!
//! ```text
//! # A fact about the client.
//! offers: PIPELINING CHUNKING       the server greets, says this to EHLO and takes the login; else all is written out
//! recipients: b@x.example c@x.example
//! deliver: all or none              per recipient, unless said
//! message: eight bits               one in ASCII, unless said
//! S: 250 ok                         a line of the server's; lines without a `C:` between them are one write
//! S/ 25                             the same without a line end
//! C: MAIL FROM:<a@x.example>        a line of the client's; lines without an `S:` between them are one flight: they
//!                                   come together, and nothing else comes before the server speaks again
//! C: [message]                      the message as it is; `C: [stuffed]`: with dots doubled and the end of data
//! close                             the server closes
//! silence                           the server says nothing more, and every limit is short
//! => accepted                       what the next message ends with, recipient by recipient
//! ```
//!
//! After the last line the server waits for the client to go; QUIT is all that it may still say. `{size}` stands for
//! the message's length.

use super::player::{Setup, message};

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) steps: Vec<Step>,
    /// One for each message.
    pub(super) expected: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Say(Vec<u8>),
    Hear(Vec<u8>),
    Close,
}

impl Script {
    pub(super) fn parse(text: &str) -> Script {
        let mut script = Script { setup: Setup::default(), steps: Vec::new(), expected: Vec::new() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            script.take(line);
        }
        script
    }

    fn take(&mut self, line: &str) {
        let sized = line.replace("{size}", &message(&self.setup).len().to_string());
        let (word, rest) = sized.split_once(' ').unwrap_or((&sized, ""));
        match (word, rest) {
            ("offers:", extensions) => self.steps.extend(log_in(extensions)),
            ("recipients:", list) => self.setup.recipients = list.split(' ').map(str::to_owned).collect(),
            ("deliver:", "all or none") => self.setup.is_all_or_none = true,
            ("message:", kind) => kind.clone_into(&mut self.setup.message),
            ("limit:", "a deadline") => self.setup.has_deadline = true,
            ("S:", text) => self.say(format!("{text}\r\n").as_bytes()),
            ("S/", text) => self.say(text.as_bytes()),
            ("C:", "[message]") => self.hear(&message(&self.setup)),
            ("C:", "[stuffed]") => self.hear(&stuffed(&message(&self.setup))),
            ("C:", text) => self.hear(format!("{text}\r\n").as_bytes()),
            ("close", "") => self.steps.push(Step::Close),
            ("silence", "") => self.setup.is_impatient = true,
            ("=>", outcome) => self.expected.push(outcome.to_owned()),
            _ => panic!("{line:?} says nothing to this test"),
        }
    }

    fn say(&mut self, octets: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Say(said)) => said.extend_from_slice(octets),
            _ => self.steps.push(Step::Say(octets.to_vec())),
        }
    }

    fn hear(&mut self, octets: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Hear(heard)) => heard.extend_from_slice(octets),
            _ => self.steps.push(Step::Hear(octets.to_vec())),
        }
    }
}

/// The server's and the client's part up to the login.
pub(super) fn log_in(extensions: &str) -> Vec<Step> {
    let offers: String = extensions.split(' ').filter(|word| !word.is_empty()).map(offer).collect();
    vec![
        Step::Say(b"220 x.example\r\n".to_vec()),
        Step::Hear(b"EHLO client.example\r\n".to_vec()),
        Step::Say(format!("250-x.example\r\n{offers}250 AUTH PLAIN\r\n").into_bytes()),
        Step::Hear(AUTH.to_vec()),
        Step::Say(b"235 2.7.0 welcome\r\n".to_vec()),
    ]
}

/// NUL anna NUL geheim
pub(super) const AUTH: &[u8] = b"AUTH PLAIN AGFubmEAZ2VoZWlt\r\n";

/// `SIZE=1000` is the line `SIZE 1000`.
fn offer(extension: &str) -> String {
    format!("250-{}\r\n", extension.replace('=', " "))
}

/// Dot-stuffing as RFC 5321 section 4.5.2 has it, line by line.
pub(super) fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        octets.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
        octets.extend_from_slice(line);
    }
    octets.extend_from_slice(b".\r\n");
    octets
}
