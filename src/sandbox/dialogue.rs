//! What was spoken, for whoever wants to see it; secrets hidden.

use super::Shared;
use crate::wire::reply::Reply;
use tokio::sync::mpsc;

/// Takes every line spoken, secrets hidden: the session's number, and the line behind `C: ` or `S: `.
pub type Dialogue = mpsc::UnboundedSender<(u64, String)>;

impl Shared {
    /// A command came.
    pub(super) fn heard(&self, session: u64, line: &str) {
        let verb = line.split(' ').next().unwrap_or_default();
        let shown = match verb.eq_ignore_ascii_case("AUTH") {
            true => hidden(line),
            false => line.to_owned(),
        };
        self.spoken(session, &format!("C: {shown}"));
    }

    /// A reply goes.
    pub(super) fn said(&self, session: u64, reply: &Reply) {
        for (index, line) in reply.lines_lossy().iter().enumerate() {
            let separator = if index + 1 == reply.lines.len() { ' ' } else { '-' };
            self.spoken(session, &format!("S: {:03}{separator}{line}", reply.code));
        }
    }

    pub(super) fn spoken(&self, session: u64, line: &str) {
        if let Some(dialogue) = &self.dialogue {
            // Nobody listens any more: nobody is told.
            let _ = dialogue.send((session, line.to_owned()));
        }
    }
}

/// AUTH without its initial response.
fn hidden(line: &str) -> String {
    let mut words = line.split(' ');
    let shown: Vec<&str> = words.by_ref().take(2).collect();
    let rest = if words.next().is_some() { " <hidden>" } else { "" };
    format!("{}{rest}", shown.join(" "))
}
