//! One mail transaction as it grows.

use crate::wire::envelope::{Envelope, Recipient};
use crate::wire::mailbox::ReversePath;
use crate::wire::smtp_command::MailParameters;

/// Envelope of a message that begins, and what the MTA forwarded about its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// From whom, to whom.
    pub envelope: Envelope,
    /// XFORWARD attributes.
    pub xforward: XForward,
}

/// What Postfix tells by XFORWARD; absent where it does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XForward {
    attributes: Vec<(String, Option<String>)>,
}

impl XForward {
    /// Takes the attributes of one more command; a later one replaces an earlier one of the same name.
    pub(super) fn add(&mut self, attributes: Vec<(String, Option<String>)>) {
        for (name, value) in attributes {
            self.attributes.retain(|(known, _)| *known != name);
            self.attributes.push((name, value));
        }
    }

    /// IDENT: the queue id at the MTA that forwards.
    pub fn ident(&self) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == "IDENT").and_then(|(_, value)| value.as_deref())
    }
}

/// MAIL, and the RCPTs so far.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    reverse_path: ReversePath,
    parameters: MailParameters,
    recipients: Vec<Recipient>,
}

impl Transaction {
    pub(super) fn new(reverse_path: ReversePath, parameters: MailParameters) -> Transaction {
        Transaction { reverse_path, parameters, recipients: Vec::new() }
    }

    pub(super) fn add(&mut self, recipient: Recipient) {
        self.recipients.push(recipient);
    }

    pub(super) fn recipients(&self) -> usize {
        self.recipients.len()
    }

    pub(super) fn envelope(&self) -> Envelope {
        Envelope {
            reverse_path: self.reverse_path.clone(),
            recipients: self.recipients.clone(),
            ret: self.parameters.ret,
            envid: self.parameters.envid.clone(),
            smtputf8: self.parameters.smtputf8,
            body: self.parameters.body,
        }
    }
}
