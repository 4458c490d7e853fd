//! One mail transaction: MAIL to the reply to the message.

use super::Extensions;
use super::journal::KeptRecipient;
use super::receive::Receiver;
use crate::wire::mailbox::ReversePath;

pub(super) struct Transaction {
    /// The command as it came.
    pub(super) mail_line: String,
    pub(super) reverse_path: ReversePath,
    pub(super) parameters: Vec<String>,
    pub(super) recipients: Vec<KeptRecipient>,
    /// What came by BDAT so far.
    pub(super) chunks: Option<Receiver>,
    /// Whether the message comes by BDAT.
    pub(super) by_bdat: bool,
}

/// A parameter that was not offered, if there is one: MAIL's.
pub(super) fn unoffered_at_mail(parameters: &[String], extensions: Extensions) -> Option<&String> {
    parameters.iter().find(|parameter| {
        let (name, value) = split(parameter);
        !match name.as_str() {
            "SIZE" => value.parse::<u64>().is_ok(),
            "AUTH" => true,
            "BODY" => extensions.eight_bit_mime && matches!(value, "7BIT" | "8BITMIME"),
            "SMTPUTF8" => extensions.smtputf8 && value.is_empty(),
            "RET" => extensions.dsn && matches!(value, "FULL" | "HDRS"),
            "ENVID" => extensions.dsn,
            _ => false,
        }
    })
}

/// The same for RCPT.
pub(super) fn unoffered_at_rcpt(parameters: &[String], extensions: Extensions) -> Option<&String> {
    parameters.iter().find(|parameter| !(extensions.dsn && matches!(split(parameter).0.as_str(), "NOTIFY" | "ORCPT")))
}

/// Name in upper case, and value.
fn split(parameter: &str) -> (String, &str) {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    (name.to_ascii_uppercase(), value)
}

impl Transaction {
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|found| found.eq_ignore_ascii_case(parameter))
    }

    /// The size that MAIL declared.
    pub(super) fn declared_size(parameters: &[String]) -> Option<u64> {
        parameters.iter().map(|parameter| split(parameter)).find(|(name, _)| name == "SIZE")?.1.parse().ok()
    }

    /// The extensions that the parameters make use of.
    pub(super) fn used(&self) -> Vec<String> {
        let recipients = self.recipients.iter().flat_map(|recipient| &recipient.parameters);
        let mut used: Vec<String> = self
            .parameters
            .iter()
            .chain(recipients)
            .map(|parameter| match split(parameter).0.as_str() {
                "BODY" => "8BITMIME".to_owned(),
                "RET" | "ENVID" | "NOTIFY" | "ORCPT" => "DSN".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        if self.by_bdat {
            used.push("CHUNKING".to_owned());
        }
        used.sort();
        used.dedup();
        used
    }
}
