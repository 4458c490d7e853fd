//! Plays the server's part of a script on a loopback address, and the client as the relay uses it.

use super::script::{Script, Step};
use sendvia::message::{Message, intake};
use sendvia::submission::{
    self, Authenticated, Credentials, Dial, Endpoint, Failure, FailureKind, Proof, Protection, RecipientOutcome,
    Recipients, Route, Timeouts, TlsTrust,
};
use sendvia::wire::envelope::Envelope;
use sendvia::wire::mailbox::{Mailbox, ReversePath};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long the server listens for octets that should not come.
const LISTENING: Duration = Duration::from_millis(10);

/// What a dialogue is about.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) recipients: Vec<String>,
    pub(super) is_all_or_none: bool,
    pub(super) message: String,
    pub(super) is_impatient: bool,
    pub(super) has_deadline: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            recipients: vec!["b@x.example".to_owned()],
            is_all_or_none: false,
            message: "ASCII".to_owned(),
            is_impatient: false,
            has_deadline: false,
        }
    }
}

/// Plays a script and compares what the messages ended with.
pub(super) async fn play(script: &Script) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let steps = script.steps.clone();
    let server = tokio::spawn(async move { serve(listener, &steps).await });
    let endings = converse(port, &script.setup, script.expected.len()).await;
    let served = timeout(Duration::from_secs(20), server).await.map_err(|_| "the server waits for ever")?;
    served.unwrap().map_err(|why| format!("{why}; ended with {endings:?}"))?;
    if endings == script.expected {
        Ok(())
    } else {
        Err(format!("expected {:?}, but got {endings:?}", script.expected))
    }
}

async fn serve(listener: TcpListener, steps: &[Step]) -> Result<(), String> {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    for step in steps {
        match step {
            Step::Say(octets) => {
                no_early_octet(&mut stream, octets).await?;
                // The client may be gone already; what it made of that is what counts.
                let _ = stream.write_all(octets).await;
            }
            Step::Hear(expected) => hear(&mut stream, expected).await?,
            Step::Close => return Ok(()),
        }
    }
    // A client that gave up in the midst of its flight is gone with an error.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    if rest.is_empty() || rest == b"QUIT\r\n" || rest == b"*\r\n" {
        Ok(())
    } else {
        Err(format!("the client went on with {}", shown(&rest)))
    }
}

async fn no_early_octet(stream: &mut TcpStream, before: &[u8]) -> Result<(), String> {
    let mut octets = [0; 4096];
    match timeout(LISTENING, stream.read(&mut octets)).await {
        Ok(Ok(length)) if length > 0 => Err(format!("{} came before {}", shown(&octets[..length]), shown(before))),
        _ => Ok(()),
    }
}

/// A flight is one write, and loopback keeps a short one together.
async fn hear(stream: &mut TcpStream, expected: &[u8]) -> Result<(), String> {
    let mut octets = vec![0; 64 * 1024];
    let length = match stream.read(&mut octets).await {
        Ok(length) => length,
        Err(error) => return Err(format!("expected {}, but {error}", shown(expected))),
    };
    if &octets[..length] == expected {
        return Ok(());
    }
    Err(format!("expected {}, but heard {}", shown(expected), shown(&octets[..length])))
}

fn shown(octets: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(octets))
}

async fn converse(port: u16, setup: &Setup, messages: usize) -> Vec<String> {
    let mut session = match submission::login(&dial(port, setup), &credentials()).await {
        Ok(session) => session,
        Err(failure) => return vec![told(&failure)],
    };
    let mut endings = Vec::new();
    for _ in 0..messages {
        endings.push(send(&mut session, setup).await);
    }
    session.quit().await;
    endings
}

async fn send(session: &mut Authenticated, setup: &Setup) -> String {
    let recipients = if setup.is_all_or_none { Recipients::AllOrNone } else { Recipients::PerRecipient };
    let is_whole = || match setup.message.as_str() {
        "cut" => Err("the sender died".to_owned()),
        _ => Ok(()),
    };
    let message = intake::take(&message(setup), std::env::temp_dir().as_path()).unwrap();
    match session.send(&envelope(setup), &message, recipients, &is_whole).await {
        Ok(outcomes) => outcomes.iter().map(of_recipient).collect::<Vec<_>>().join(", "),
        Err(failure) => told(&failure),
    }
}

fn of_recipient(outcome: &RecipientOutcome) -> String {
    match outcome {
        RecipientOutcome::Accepted(_) => "accepted".to_owned(),
        RecipientOutcome::Refused { stage, reply } => format!("refused at {stage}: {}", reply.code),
        RecipientOutcome::Withheld => "withheld".to_owned(),
    }
}

/// `failed at MAIL: refused 421, untouched`
pub(super) fn told(failure: &Failure) -> String {
    let kind = match &failure.kind {
        FailureKind::Refused(reply) => format!("refused {}", reply.code),
        FailureKind::Connection(_) => "connection".to_owned(),
        FailureKind::Tls(_) => "tls".to_owned(),
        FailureKind::Trust(_) => "trust".to_owned(),
        FailureKind::Unprotected => "unprotected".to_owned(),
        FailureKind::Unanswered(_) => "unanswered".to_owned(),
        FailureKind::NoMechanism(_) => "no mechanism".to_owned(),
        FailureKind::Sasl(_) => "sasl".to_owned(),
        FailureKind::ExtensionMissing(extension) => format!("lacks {extension:?}"),
        FailureKind::TooLarge { .. } => "too large".to_owned(),
        FailureKind::Cut(_) => "cut".to_owned(),
        FailureKind::Source(_) => "source".to_owned(),
        FailureKind::Deadline => "deadline".to_owned(),
    };
    let untouched = if failure.is_untouched { ", untouched" } else { "" };
    format!("failed at {}: {kind}{untouched}", failure.stage)
}

pub(super) fn dial(port: u16, setup: &Setup) -> Dial {
    let limit = Duration::from_millis(if setup.is_impatient { 1_000 } else { 20_000 });
    Dial {
        endpoint: Endpoint { host: "127.0.0.1".to_owned(), port, protection: Protection::None },
        route: Arc::new(Route::Direct),
        trust: Arc::new(TlsTrust::default()),
        ehlo_name: "client.example".to_owned(),
        timeouts: timeouts(limit),
        deadline: setup.has_deadline.then(|| Instant::now() + Duration::from_millis(300)),
        danger_plaintext_auth: false,
        dialogue: None,
    }
}

fn timeouts(limit: Duration) -> Timeouts {
    Timeouts {
        connect: limit,
        greeting: limit,
        ehlo: limit,
        tls: limit,
        auth: limit,
        mail: limit,
        rcpt: limit,
        data: limit,
        block: limit,
        final_reply: limit,
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials { login: "anna".to_owned(), proof: Proof::Password("geheim".into()), mechanisms: None }
}

fn envelope(setup: &Setup) -> Envelope {
    let sender = ReversePath::Mailbox(Mailbox::parse("anna@x.example").unwrap());
    Envelope::new(sender, setup.recipients.iter().map(|to| Mailbox::parse(to).unwrap()).collect())
}

pub(super) fn message(setup: &Setup) -> Vec<u8> {
    let (to, body) = match setup.message.as_str() {
        "ASCII" | "cut" => ("b@x.example", "Greetings!\r\n.dot\r\n"),
        "eight bits" => ("b@x.example", "Gr\u{fc}\u{df}e!\r\n"),
        "to a UTF-8 address" => ("\u{fc}@x.example", "Greetings!\r\n"),
        other => panic!("no message is {other:?}"),
    };
    let header = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nFrom: anna@x.example";
    format!("{header}\r\nTo: {to}\r\nSubject: Hello\r\n\r\n{body}").into_bytes()
}

/// The message as the client has it; for tests of their own.
pub(super) fn taken(setup: &Setup) -> io::Result<(Envelope, Message)> {
    let message = intake::take(&message(setup), std::env::temp_dir().as_path()).map_err(io::Error::other)?;
    Ok((envelope(setup), message))
}
