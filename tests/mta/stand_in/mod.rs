//! The recipes themselves, proven with a shell script in sendvia's place: what the MTA passes on, and what it makes
//! of each way in which a command can end.

mod endings;
mod exim;
mod postfix;

/// What the customer sends: a line that begins with a dot, and one that an mbox would quote.
const MESSAGE: &[u8] =
    b"From: Anna <anna@gmx.example>\r\nTo: bob@example.org\r\nSubject: hello\r\n\r\n.dot\r\nFrom here\r\n";

/// Keeps what the MTA passed: arguments in brackets, environment, standard input.
const KEEP: &str = "for arg; do printf '[%s]' \"$arg\"; done >$GIVEN/args; env >$GIVEN/env; cat >$GIVEN/message";
