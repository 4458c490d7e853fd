//! The octets of a message on their way out, in large writes.

use super::chat::Chat;
use super::command;
use super::failure::{Failure, FailureKind};
use super::transaction::IsWhole;
use crate::message::Message;
use crate::message::dot::Stuffer;
use crate::verdict::Stage;
use crate::wire::reply::{Reply, ReplyClass};
use std::io;

/// Octets read and written in one go.
const BLOCK: usize = 256 * 1024;

/// Appends all of a short message.
pub(super) fn append(message: &Message, octets: &mut Vec<u8>) -> Result<(), Failure> {
    let (mut source, mut chunk) = (message.octets(), Vec::new());
    while source.next_chunk(&mut chunk, BLOCK).map_err(unreadable)? {
        octets.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Sends the message as one BDAT chunk; the server's refusal, where it gives one before the end.
pub(super) async fn send_chunk(
    chat: &mut Chat,
    message: &Message,
    is_whole: IsWhole<'_>,
) -> Result<Option<Reply>, Failure> {
    let line = command::bdat(message.len());
    chat.show_lines(line.trim_end(), message.len());
    let (mut source, mut chunk, mut block) = (message.octets(), Vec::new(), line.into_bytes());
    while source.next_chunk(&mut chunk, BLOCK).map_err(unreadable)? {
        block.extend_from_slice(&chunk);
        let is_last = source.remaining() == 0;
        if let Some(reply) = send_block(chat, &block, is_last, is_whole).await? {
            return Ok(Some(reply));
        }
        block.clear();
    }
    Ok(None)
}

/// Sends the message dot-stuffed with its end of data; the server's refusal, where it gives one before the end.
pub(super) async fn send_stuffed(
    chat: &mut Chat,
    message: &Message,
    is_whole: IsWhole<'_>,
) -> Result<Option<Reply>, Failure> {
    chat.show(|| format!("C: [message of {} octets]", message.len()));
    let (mut source, mut chunk, mut block) = (message.octets(), Vec::new(), Vec::new());
    let mut stuffer = Stuffer::new();
    while source.next_chunk(&mut chunk, BLOCK).map_err(unreadable)? {
        stuffer.push(&chunk, &mut block);
        if source.remaining() == 0 {
            break;
        }
        if let Some(reply) = send_block(chat, &block, false, is_whole).await? {
            return Ok(Some(reply));
        }
        block.clear();
    }
    stuffer.finish(&mut block);
    send_block(chat, &block, true, is_whole).await
}

/// One write. Before the last one the message must be whole. Before each the server must have said nothing: a reply that
/// is there before the end can't be about all of it.
async fn send_block(
    chat: &mut Chat,
    block: &[u8],
    is_last: bool,
    is_whole: IsWhole<'_>,
) -> Result<Option<Reply>, Failure> {
    if is_last {
        is_whole().map_err(|detail| Failure::new(Stage::Data, FailureKind::Cut(detail)))?;
    }
    if chat.is_early().await {
        return early(chat).await.map(Some);
    }
    match chat.write(Stage::Final, block).await {
        Ok(()) => Ok(None),
        Err(failure) => match chat.last_words(Stage::Final).await {
            Ok(reply) if is_refusal(&reply) => Ok(Some(reply)),
            _ if is_last => Err(unanswered(failure)),
            _ => Err(failure),
        },
    }
}

/// What the server said in mid-message: a refusal counts, anything else is out of turn. The session is over either way.
async fn early(chat: &mut Chat) -> Result<Reply, Failure> {
    chat.give_up();
    match chat.last_words(Stage::Data).await? {
        reply if is_refusal(&reply) => Ok(reply),
        reply => Err(Failure::connection(Stage::Data, format!("the server spoke out of turn: {reply}"))),
    }
}

fn is_refusal(reply: &Reply) -> bool {
    matches!(reply.class(), ReplyClass::Transient | ReplyClass::Permanent)
}

/// After the end of the message has gone out, nobody knows what became of it without a reply.
pub(super) fn unanswered(failure: Failure) -> Failure {
    let detail = match failure.kind {
        FailureKind::Connection(detail) => detail,
        FailureKind::Deadline => "the deadline passed".to_owned(),
        _ => return failure,
    };
    Failure { is_untouched: false, ..Failure::new(Stage::Final, FailureKind::Unanswered(detail)) }
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(Stage::Data, FailureKind::Source(error))
}

impl Chat {
    /// Shows command lines and that a message follows.
    pub(super) fn show_lines(&self, lines: &str, octets: u64) {
        for line in lines.lines() {
            self.show(|| format!("C: {line}"));
        }
        self.show(|| format!("C: [message of {octets} octets]"));
    }
}
