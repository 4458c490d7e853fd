//! Messages over one warm session, timed: a part of `tests/bench/run`, and an example of the library.
//!
//! ```text
//! session HOST PORT CA_FILE COUNT OCTETS     implicit TLS; prints the seconds that each message took, one a line
//! ```

use sendvia::message::{Intake, Limits, Message};
use sendvia::submission::{
    self, Authenticated, Credentials, Dial, Endpoint, Proof, Protection, RecipientOutcome, Recipients, Route, Timeouts,
    TlsTrust,
};
use sendvia::wire::envelope::Envelope;
use sendvia::wire::mailbox::{Mailbox, ReversePath};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, authorities, count, octets] = arguments.as_slice() else {
        return Err("usage: session HOST PORT CA_FILE COUNT OCTETS".into());
    };
    let (message, envelope) = (message(octets.parse()?)?, envelope()?);
    let mut session = log_in(host, port.parse()?, authorities).await?;
    for _ in 0..count.parse::<u64>()? {
        println!("{:.6}", send(&mut session, &envelope, &message).await?);
    }
    session.quit().await;
    Ok(())
}

async fn log_in(host: &str, port: u16, authorities: &str) -> Result<Authenticated, Box<dyn Error>> {
    let dial = Dial {
        endpoint: Endpoint { host: host.to_owned(), port, protection: Protection::Implicit },
        route: Arc::new(Route::Direct),
        trust: Arc::new(TlsTrust::new(Some(Path::new(authorities)))),
        ehlo_name: "client.example".to_owned(),
        timeouts: Timeouts::default(),
        deadline: None,
        danger_plaintext_auth: false,
        dialogue: None,
    };
    let proof = Proof::Password("geheim".into());
    let credentials = Credentials { login: "anna@gmx.de".to_owned(), proof, mechanisms: None };
    Ok(submission::login(&dial, &credentials).await?)
}

async fn send(session: &mut Authenticated, envelope: &Envelope, message: &Message) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    let sent = session.send(envelope, message, Recipients::PerRecipient, &|| Ok(())).await?;
    match sent.as_slice() {
        [RecipientOutcome::Accepted(_)] => Ok(began.elapsed().as_secs_f64()),
        other => Err(format!("{other:?}").into()),
    }
}

fn envelope() -> Result<Envelope, Box<dyn Error>> {
    let sender = ReversePath::Mailbox(Mailbox::parse("anna@gmx.de")?);
    Ok(Envelope::new(sender, vec![Mailbox::parse("b@x.example")?]))
}

/// A message whose body has about so many octets, in lines of 76.
fn message(octets: usize) -> Result<Message, Box<dyn Error>> {
    let mut intake = Intake::new(Limits::default(), &std::env::temp_dir());
    intake.push(b"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nFrom: anna@gmx.de\r\nTo: b@x.example\r\n\r\n")?;
    let lines = [&[b'x'; 74][..], b"\r\n"].concat().repeat(1000);
    for at in (0..octets).step_by(lines.len()) {
        intake.push(&lines[..lines.len().min(octets - at)])?;
    }
    Ok(intake.finish()?)
}
