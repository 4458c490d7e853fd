//! `-bs`: SMTP on stdin and stdout.

use super::Trouble;
use crate::mta::answer::local;
use crate::mta::counter;
use crate::mta::delivery::Desk;
use crate::reception::Ended;
use crate::stdio;
use crate::verdict::Outcome;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use tokio::net::UnixStream;

/// Speaks until the client leaves.
pub(super) async fn run(desk: Desk) -> Result<(), Trouble> {
    let troubled = |error| Trouble::from(&local(error));
    let mut stream = tokio::io::join(stdio::stdin().map_err(troubled)?, stdio::stdout().map_err(troubled)?);
    let desk = Arc::new(desk);
    match counter::serve(&mut stream, || Arc::clone(&desk), pending()).await.map_err(troubled)? {
        Ended::Closed | Ended::Gone => Ok(()),
        Ended::Cut => Err(Trouble::from(&Outcome::Cut { detail: "the client went away".to_owned() })),
        Ended::Idle => Err(Trouble::from(&Outcome::Cut { detail: "the client was silent for too long".to_owned() })),
    }
}

/// Lets the client speak with the resident service, which speaks the same.
pub(super) async fn pass_on(socket: &Path) -> Result<(), Trouble> {
    let troubled = |error| Trouble::from(&local(error));
    let mut client = tokio::io::join(stdio::stdin().map_err(troubled)?, stdio::stdout().map_err(troubled)?);
    let mut service = UnixStream::connect(socket).await.map_err(|error| Trouble::no_service(socket, &error))?;
    let copied = tokio::io::copy_bidirectional(&mut client, &mut service).await;
    copied.map(drop).map_err(troubled)
}
