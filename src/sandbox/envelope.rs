//! MAIL and RCPT of a session.

use super::journal::KeptRecipient;
use super::replies;
use super::rule::{Kind, Stage};
use super::session::{Flow, Session};
use super::transaction::{Transaction, unoffered_at_mail, unoffered_at_rcpt};
use crate::wire::mailbox::{Mailbox, ReversePath};
use crate::wire::reply::Reply;
use std::io;

impl Session {
    pub(super) async fn mail(
        &mut self,
        line: &str,
        reverse_path: ReversePath,
        parameters: Vec<String>,
    ) -> io::Result<Flow> {
        let own = self.mail_reply(&reverse_path, &parameters);
        let reply = self.decided(Stage::Mail, own);
        if reply.is_positive() {
            self.shared.journal.count(|counters| counters.transactions += 1);
            self.transaction = Some(Transaction {
                mail_line: line.to_owned(),
                reverse_path,
                parameters,
                recipients: Vec::new(),
                chunks: None,
                by_bdat: false,
            });
        }
        self.send(Stage::Mail, &reply).await
    }

    fn mail_reply(&mut self, reverse_path: &ReversePath, parameters: &[String]) -> Reply {
        let Some((login, _)) = &self.login else {
            self.fault("MAIL without authentication");
            return Reply::new(530, "Authentication required");
        };
        if self.transaction.is_some() {
            self.fault("MAIL within a transaction");
            return Reply::new(503, "Bad sequence of commands");
        }
        if let Some(parameter) = unoffered_at_mail(parameters, self.shared.extensions).cloned() {
            self.fault(&format!("MAIL parameter {parameter} was not offered"));
            return Reply::new(555, "MAIL FROM parameters not recognized or not implemented");
        }
        if Transaction::declared_size(parameters).is_some_and(|size| size > self.size_limit()) {
            return Reply::new(552, "Message size exceeds fixed maximum message size");
        }
        let foreign = reverse_path.mailbox().is_some_and(|mailbox| !is_login(mailbox, login));
        let (null, taken) = (*reverse_path == ReversePath::Null, self.taken);
        let refusal = self.shared.rules.find(|kind| match kind {
            Kind::LimitMessages(limit) if taken >= *limit => {
                Some(Reply::new(421, "Too many messages in this session, closing"))
            }
            Kind::SenderMustMatch if foreign => {
                Some(replies::lines(550, &["Requested action not taken", "Sender address is not allowed."]))
            }
            Kind::RefuseNullSender if null => Some(Reply::new(501, "Invalid MAIL FROM address provided")),
            _ => None,
        });
        refusal.unwrap_or_else(replies::okay)
    }

    pub(super) async fn rcpt(&mut self, mailbox: &Mailbox, parameters: Vec<String>) -> io::Result<Flow> {
        let own = self.rcpt_reply(mailbox, &parameters);
        let reply = self.decided(Stage::Rcpt, own);
        if let (true, Some(transaction)) = (reply.is_positive(), &mut self.transaction) {
            transaction.recipients.push(KeptRecipient { address: mailbox.to_string(), parameters });
        }
        self.send(Stage::Rcpt, &reply).await
    }

    fn rcpt_reply(&mut self, mailbox: &Mailbox, parameters: &[String]) -> Reply {
        let Some(transaction) = &self.transaction else {
            return Reply::new(503, "Bad sequence of commands");
        };
        if let Some(parameter) = unoffered_at_rcpt(parameters, self.shared.extensions).cloned() {
            self.fault(&format!("RCPT parameter {parameter} was not offered"));
            return Reply::new(555, "RCPT TO parameters not recognized or not implemented");
        }
        let (count, messages) = (transaction.recipients.len(), self.shared.journal.counters().messages);
        let refusal = self.shared.rules.find(|kind| match kind {
            Kind::RefuseRecipient(refused) if refused.eq_ignore_ascii_case(&mailbox.to_string()) => {
                let texts = ["Requested action not taken: mailbox unavailable", "No such user"];
                Some(replies::lines(550, &texts))
            }
            Kind::RecipientLimit(limit) if count >= *limit => Some(Reply::new(452, "Too many recipients")),
            Kind::Quota(limit) if messages >= *limit => Some(replies::quota()),
            _ => None,
        });
        refusal.unwrap_or_else(replies::okay)
    }
}

/// Whether `mailbox` is the address that logged in; of a login without a domain, the local-part is compared.
fn is_login(mailbox: &Mailbox, login: &str) -> bool {
    match login.contains('@') {
        true => mailbox.folded() == login.to_lowercase(),
        false => mailbox.unquoted_local_part().eq_ignore_ascii_case(login),
    }
}
