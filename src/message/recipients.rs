//! Recipients in the header section, for `sendmail -t`.

use super::Header;
use crate::wire::header::address::AddressList;
use crate::wire::mailbox::{Mailbox, MailboxError};

/// The fields whose addresses are recipients.
const FIELDS: [&str; 3] = ["To", "Cc", "Bcc"];

/// The same for a message that is sent again by another (RFC 5322 section 3.6.6): then only these count.
const RESENT_FIELDS: [&str; 3] = ["Resent-To", "Resent-Cc", "Resent-Bcc"];

/// Takes Bcc and Resent-Bcc off and gives every recipient once, in their order: of To, Cc and Bcc, or, if any Resent-
/// recipient field is there, of those alone, as Postfix and msmtp do. Members of groups count; a bare local user's name
/// is an address without a domain.
///
/// # Errors
/// The first address that can't stand in a command, as [`MailboxError`]; nothing was taken off then.
pub fn take_recipients(header: &mut Header) -> Result<Vec<Mailbox>, MailboxError> {
    let is_resent = RESENT_FIELDS.iter().any(|name| header.contains(name));
    let names = if is_resent { RESENT_FIELDS } else { FIELDS };
    let fields = header.iter().filter(|field| names.iter().any(|name| field.is(name)));
    let mut recipients: Vec<Mailbox> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for field in fields {
        for address in AddressList::parse(field.body()).addresses().filter(|address| !address.is_empty()) {
            let mailbox = address.mailbox()?;
            if seen.insert(mailbox.to_string()) {
                recipients.push(mailbox);
            }
        }
    }
    header.remove("Bcc");
    header.remove("Resent-Bcc");
    Ok(recipients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_found_and_blind_copies_taken_off() {
        let rows = [
            (
                "To: a@x.example,\r\n B <b@x.example> (c, <d@x.example>)\r\nBCC: secret@x.example\r\nCc: \"E, F\" <e@x.example>\r\n",
                "a@x.example b@x.example secret@x.example e@x.example",
                "To: a@x.example,\r\n B <b@x.example> (c, <d@x.example>)\r\nCc: \"E, F\" <e@x.example>\r\n",
            ),
            (
                "To: old@x.example\r\nResent-To: new@x.example\r\nResent-Bcc: blind@x.example\r\nBcc: old2@x.example\r\n",
                "new@x.example blind@x.example",
                "To: old@x.example\r\nResent-To: new@x.example\r\n",
            ),
            (
                "To: Team: a@x.example, b@x.example;, root\r\n",
                "a@x.example b@x.example root",
                "To: Team: a@x.example, b@x.example;, root\r\n",
            ),
            ("To: undisclosed-recipients:;\r\nBcc: a@x.example\r\n", "a@x.example", "To: undisclosed-recipients:;\r\n"),
            (
                "To: a@x.example, a@x.example\r\nCc: a@x.example\r\n",
                "a@x.example",
                "To: a@x.example, a@x.example\r\nCc: a@x.example\r\n",
            ),
            ("Subject: x\r\nTo:\r\n", "", "Subject: x\r\nTo:\r\n"),
        ];
        for (section, recipients, left) in rows {
            let (mut header, _) = Header::parse(section.as_bytes());
            let found: Vec<String> = take_recipients(&mut header).unwrap().iter().map(Mailbox::to_string).collect();
            assert_eq!(found.join(" "), recipients, "{section}");
            assert_eq!(String::from_utf8_lossy(&header.to_octets()), left, "{section}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_an_error_and_no_blind_copy_is_lost() {
        let (mut header, _) = Header::parse(b"To: Anna anna@gmx.de\r\nBcc: b@x.example\r\n");
        assert!(take_recipients(&mut header).is_err());
        assert!(header.contains("Bcc"));
    }
}
