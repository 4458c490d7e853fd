//! MAIL, RCPT and BDAT as lines, with the parameters that the server knows.

use crate::message::Message;
use crate::wire::capability::Capabilities;
use crate::wire::envelope::{BodyType, Envelope, Notify, Recipient, Ret};
use crate::wire::mailbox::{Mailbox, ReversePath};

/// `MAIL FROM:` (RFC 5321 section 4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID
/// (RFC 3461).
pub(super) fn mail(envelope: &Envelope, message: &Message, server: &Capabilities, smtputf8: bool) -> String {
    let path = match &envelope.reverse_path {
        ReversePath::Null => String::new(),
        ReversePath::Mailbox(mailbox) => address(mailbox, smtputf8),
    };
    let mut line = format!("MAIL FROM:<{path}>");
    if server.size_offered {
        line.push_str(&format!(" SIZE={}", message.len()));
    }
    if server.eight_bit_mime {
        let is_eight_bit = message.is_eight_bit() || envelope.body == Some(BodyType::EightBitMime);
        line.push_str(if is_eight_bit { " BODY=8BITMIME" } else { "" });
    }
    if smtputf8 {
        line.push_str(" SMTPUTF8");
    }
    if server.dsn {
        line.push_str(match envelope.ret {
            Some(Ret::Full) => " RET=FULL",
            Some(Ret::Headers) => " RET=HDRS",
            None => "",
        });
        if let Some(envid) = &envelope.envid {
            line.push_str(&format!(" ENVID={envid}"));
        }
    }
    line + "\r\n"
}

/// `RCPT TO:` (RFC 5321 section 4.1.1.3) with NOTIFY and ORCPT (RFC 3461).
pub(super) fn rcpt(recipient: &Recipient, server: &Capabilities, smtputf8: bool) -> String {
    let mut line = format!("RCPT TO:<{}>", address(&recipient.mailbox, smtputf8));
    if server.dsn {
        if let Some(notify) = recipient.notify {
            line.push_str(&format!(" NOTIFY={}", notify_words(notify)));
        }
        if let Some(orcpt) = &recipient.orcpt {
            line.push_str(&format!(" ORCPT={orcpt}"));
        }
    }
    line + "\r\n"
}

/// `BDAT n LAST` (RFC 3030 section 2).
pub(super) fn bdat(octets: u64) -> String {
    format!("BDAT {octets} LAST\r\n")
}

fn address(mailbox: &Mailbox, smtputf8: bool) -> String {
    if smtputf8 { mailbox.to_string() } else { mailbox.with_ascii_domain().to_string() }
}

fn notify_words(notify: Notify) -> String {
    match notify {
        Notify::Never => "NEVER".to_owned(),
        Notify::On { success, failure, delay } => {
            let words = [("SUCCESS", success), ("FAILURE", failure), ("DELAY", delay)];
            let wanted: Vec<&str> = words.into_iter().filter(|(_, on)| *on).map(|(word, _)| word).collect();
            wanted.join(",")
        }
    }
}
