//! Mail to those who should know: one message when an account's login stops working or this host is refused, one when it
//! works again; at most one of each a day and account.
//!
//! It goes out by the account that `notify: {via:}` names, never by the one in trouble, and what becomes of it leads to
//! no notice. Trouble in telling is told in the log and changes nothing for the message that was being delivered.

mod composed;

use super::breaker::Change;
use super::{Admission, Handover, Relay};
use crate::account::Account;
use crate::account::refusal::remedy_of;
use crate::config::{Language, Notify};
use crate::state::{Closure, Kind, Subject};
use crate::submission::Recipients;
use crate::verdict::{Disposition, Meaning, Verdict};
use crate::wire::envelope::Envelope;
use crate::wire::mailbox::{Mailbox, ReversePath};
use composed::composed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One notice in this span.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// An MTA waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be said.
struct Notice<'a> {
    template: Template,
    closure: &'a Closure,
    /// Under which name it is counted.
    key: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Template {
    LoginRefused,
    HostRefused,
    WorksAgain,
}

impl Relay {
    /// Tells whom the configuration names what a delivery of `account` closed or opened. The answer is for the log.
    pub(super) async fn tell(&self, account: &Account, changes: &[Change], handover: &Handover<'_>) -> Vec<String> {
        let notify = &self.config().notify;
        let mut notes = Vec::new();
        for notice in changes.iter().filter_map(|change| self.notice(account, change)) {
            let to = recipients(notify, account, &notice);
            if !to.is_empty() {
                notes.extend(self.tell_one(account, &notice, to, handover).await.err());
            }
        }
        notes
    }

    fn notice<'a>(&self, account: &Account, change: &'a Change) -> Option<Notice<'a>> {
        let (closure, is_closed) = match change {
            Change::Closed(closure) => (closure, true),
            Change::Opened(closure) => (closure, false),
        };
        let meaning = Meaning::from_name(&closure.meaning);
        let template = match (closure.subject.kind, meaning) {
            (Kind::Route, _) => Template::HostRefused,
            (Kind::Credentials, _) | (Kind::Account, Some(Meaning::AccountLocked)) => Template::LoginRefused,
            // It clears by itself.
            (Kind::Account | Kind::Unreachable, _) => return None,
        };
        let key = match template {
            Template::HostRefused => format!("closed {}", closure.subject),
            Template::LoginRefused | Template::WorksAgain => format!("closed {}", account.address.folded()),
        };
        if is_closed {
            return Some(Notice { template, closure, key });
        }
        // Whoever was told nothing wonders what works again.
        let told = self.ledger().notified(&key).ok().flatten()?;
        let key = key.replacen("closed", "open", 1);
        (told >= closure.since).then_some(Notice { template: Template::WorksAgain, closure, key })
    }

    async fn tell_one(
        &self,
        account: &Account,
        notice: &Notice<'_>,
        to: Vec<Mailbox>,
        handover: &Handover<'_>,
    ) -> Result<(), String> {
        let about = &notice.closure.subject;
        let failed = |problem: String| format!("no notice about {about}: {problem}");
        let via = self.messenger(account).map_err(failed)?;
        match self.ledger().may_notify(&notice.key, INTERVAL) {
            Ok(true) => (),
            Ok(false) => return Ok(()),
            Err(error) => return Err(failed(error.to_string())),
        }
        let (subject, body) = self.text(account, notice).map_err(failed)?;
        let sender = via.own_address();
        let message = composed(&sender, &to, &subject, &body, handover.spool).map_err(failed)?;
        let envelope = Envelope::new(ReversePath::Mailbox(sender), to);
        let admission = Admission { account: via, rule: None, envelope };
        let patience = Instant::now() + PATIENCE;
        let handover = Handover {
            queue_id: None,
            is_queued: false,
            recipients: Recipients::PerRecipient,
            is_whole: &|| Ok(()),
            deadline: Some(handover.deadline.map_or(patience, |deadline| deadline.min(patience))),
            spool: handover.spool,
        };
        let (report, _) = self.carry(&admission, message, &handover).await;
        let mut verdicts = report.outcomes.iter().map(Verdict::from);
        match verdicts.find(|verdict| verdict.disposition != Disposition::Ok) {
            None => Ok(()),
            Some(verdict) => Err(failed(verdict.text)),
        }
    }

    /// The account that carries notices; not the one in trouble, and not while it is closed itself.
    fn messenger(&self, broken: &Account) -> Result<Arc<Account>, String> {
        let via = self.config().notify.via.as_ref().ok_or("`notify: {via: ADDRESS}` names no account to send it")?;
        let found = self.store().find(via).map_err(|error| error.to_string())?;
        let account = found.ok_or_else(|| format!("there is no account {via}"))?.account;
        if account.address == broken.address || account.login == broken.login {
            return Err(format!("{via} is the account in trouble"));
        }
        let address = account.address.folded();
        for subject in [Subject::account(&address), Subject::credentials(&address)] {
            if let Ok(Some(closure)) = self.ledger().closed(&subject) {
                return Err(format!("{} is closed itself", closure.subject));
            }
        }
        Ok(account)
    }

    /// Subject and body.
    fn text(&self, account: &Account, notice: &Notice<'_>) -> Result<(String, String), String> {
        let notify = &self.config().notify;
        let closure = notice.closure;
        let remedy = Meaning::from_name(&closure.meaning).map_or("", remedy_of);
        let host = self.ehlo_name().to_owned();
        let values = [
            ("account", account.address.to_string()),
            ("subject", closure.subject.to_string()),
            ("provider", account.provider_name().to_owned()),
            ("reason", closure.reason.clone()),
            ("remedy", remedy.to_owned()),
            ("since", closure.since.to_string()),
            ("until", closure.until.to_string()),
            ("host", host),
        ];
        let template = notice.template.text(notify)?;
        let filled = fill(&template, &values);
        let (subject, body) = filled.split_once("\n\n").unwrap_or((filled.as_str(), ""));
        let subject = subject.strip_prefix("Subject:").unwrap_or(subject).trim();
        Ok((subject.to_owned(), body.to_owned()))
    }
}

/// The administrator; of his own login the owner too, and of the host where nobody else is named.
fn recipients(notify: &Notify, account: &Account, notice: &Notice<'_>) -> Vec<Mailbox> {
    let is_owners = notice.closure.subject.kind != Kind::Route || notify.to.is_none();
    let owner = (notify.owner && is_owners).then(|| account.own_address());
    let mut all: Vec<Mailbox> = notify.to.iter().cloned().chain(owner).collect();
    all.dedup_by_key(|address| address.folded());
    all
}

impl Template {
    /// The site's own text, else ours.
    fn text(self, notify: &Notify) -> Result<String, String> {
        let name = match self {
            Template::LoginRefused => "login-refused",
            Template::HostRefused => "host-refused",
            Template::WorksAgain => "works-again",
        };
        let language = if notify.language == Language::German { "de" } else { "en" };
        let own = notify.templates.as_ref().map(|directory| directory.join(format!("{name}.{language}.txt")));
        match own.filter(|file| file.exists()) {
            Some(file) => std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display())),
            None => Ok(self.built_in(notify.language).to_owned()),
        }
    }

    fn built_in(self, language: Language) -> &'static str {
        match (self, language) {
            (Template::LoginRefused, Language::English) => include_str!("notice/login-refused.en.txt"),
            (Template::LoginRefused, Language::German) => include_str!("notice/login-refused.de.txt"),
            (Template::HostRefused, Language::English) => include_str!("notice/host-refused.en.txt"),
            (Template::HostRefused, Language::German) => include_str!("notice/host-refused.de.txt"),
            (Template::WorksAgain, Language::English) => include_str!("notice/works-again.en.txt"),
            (Template::WorksAgain, Language::German) => include_str!("notice/works-again.de.txt"),
        }
    }
}

/// `{name}` becomes its value; what is put in is not looked at again.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let template = template.replace("\r\n", "\n");
    let mut filled = String::new();
    let mut rest = template.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let value =
            values.iter().find_map(|(name, value)| Some((value, behind.strip_prefix(name)?.strip_prefix('}')?)));
        rest = match value {
            Some((value, behind)) => {
                filled.push_str(value);
                behind
            }
            None => {
                filled.push('{');
                behind
            }
        };
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_once() {
        let values = [("a", "{b}".to_owned()), ("b", "B".to_owned())];
        assert_eq!(fill("{a} {b} {c} {", &values), "{b} B {c} {");
    }

    #[test]
    fn every_built_in_text_has_a_subject_and_is_filled() {
        let names = ["account", "subject", "provider", "reason", "remedy", "since", "until", "host"];
        let values = names.map(|name| (name, "x".to_owned()));
        for template in [Template::LoginRefused, Template::HostRefused, Template::WorksAgain] {
            for language in [Language::English, Language::German] {
                let filled = fill(template.built_in(language), &values);
                assert!(filled.starts_with("Subject: "), "{filled}");
                assert!(!filled.contains('{'), "{filled}");
            }
        }
    }
}
