//! A session with a program of this host over its Unix socket. Nobody logs in: the kernel tells that program who we are.

use super::chat::Chat;
use super::failure::Failure;
use super::session::{Authenticated, ehlo};
use super::stream::Stream;
use super::{Dial, Endpoint, IsWhole, Protection, RecipientOutcome, Recipients, Route, Timeouts, TlsTrust};
use crate::message::Message;
use crate::verdict::Stage;
use crate::wire::capability::Capabilities;
use crate::wire::envelope::Envelope;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::UnixStream;

/// A session that may send. Of a login and of an address there is nothing to tell.
pub struct Local(Authenticated);

impl Local {
    /// Connects and waits for the greeting.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn connect(socket: &Path, ehlo_name: &str, deadline: Option<Instant>) -> Result<Local, Failure> {
        let connected = UnixStream::connect(socket).await;
        let stream = connected.map_err(|error| Failure::connection(Stage::Connect, error))?;
        let dial = Dial {
            endpoint: Endpoint { host: socket.display().to_string(), port: 0, protection: Protection::None },
            route: Arc::new(Route::Direct),
            trust: Arc::new(TlsTrust::new(None)),
            ehlo_name: ehlo_name.to_owned(),
            timeouts: Timeouts::default(),
            deadline,
            danger_plaintext_auth: false,
            dialogue: None,
        };
        let mut chat = Chat::new(Stream::Unix(stream), &dial);
        let greeting = chat.reply(Stage::Banner).await?;
        if greeting.code != 220 {
            return Err(Failure::unwelcome(Stage::Banner, greeting));
        }
        let reply = ehlo(&mut chat, &dial).await?;
        Ok(Local(Authenticated::by_peer_credentials(chat, Capabilities::parse(&reply))))
    }

    /// Sends a message to all recipients or to none, as [`Authenticated::send`].
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        message: &Message,
        is_whole: IsWhole<'_>,
    ) -> Result<Vec<RecipientOutcome>, Failure> {
        self.0.send(envelope, message, Recipients::AllOrNone, is_whole).await
    }

    /// Says QUIT, and does not wait for the answer.
    pub async fn quit(self) {
        self.0.quit().await;
    }
}
