//! What a delivery remembers from others, tried on the library with a clock that tests move: journal, breakers, limits,
//! routes.

mod breakers;
mod journal;
mod limits;
mod notices;
mod privacy;
mod processes;
mod routes;

use crate::site::{MESSAGE, Site};
use sendvia::account::Submitter;
use sendvia::config::Config;
use sendvia::message::{Intake, Limits, Message};
use sendvia::relay::{Handover, Relay, Report};
use sendvia::state::{Clock, Sqlite};
use sendvia::submission::Recipients;
use sendvia::verdict::Verdict;
use sendvia::wire::envelope::Envelope;
use sendvia::wire::mailbox::{Mailbox, ReversePath};
use std::time::Duration;

/// A site, and time as the test has it.
struct Days {
    site: Site,
    clock: Clock,
}

impl Days {
    fn new() -> Days {
        Days::at(Site::new())
    }

    fn at(site: Site) -> Days {
        Days { site, clock: Clock::at(1_795_000_000) }
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn state(&self) -> Sqlite {
        Sqlite::new(&self.site.path().join("state"), self.clock.clone())
    }

    /// A delivery as a process of its own would do it: it shares nothing with others but the files.
    fn deliver(&self, from: &str, queue_id: &str, recipients: &[&str], recipient_rule: Recipients) -> Report {
        self.deliver_this(from, queue_id, recipients, recipient_rule, MESSAGE)
    }

    /// The same with a message of the test's own.
    fn deliver_this(
        &self,
        from: &str,
        queue_id: &str,
        recipients: &[&str],
        recipient_rule: Recipients,
        message: &str,
    ) -> Report {
        let config = Config::load(Some(&self.site.config_file())).unwrap();
        let relay = Relay::with_ledger(config, Box::new(self.state()));
        let recipients = recipients.iter().map(|one| Mailbox::parse(one).unwrap()).collect();
        let envelope = Envelope::new(ReversePath::Mailbox(Mailbox::parse(from).unwrap()), recipients);
        let admission = relay.admit(envelope, &Submitter::Login("anna".to_owned())).unwrap();
        let handover = Handover {
            queue_id: Some(queue_id),
            is_queued: true,
            recipients: recipient_rule,
            is_whole: &|| Ok(()),
            deadline: None,
            spool: self.site.path(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(relay.deliver(&admission, self.message(message), &handover))
    }

    /// Anna's message to one recipient: what the MTA's log would say.
    fn annas(&self, queue_id: &str) -> String {
        line(&self.deliver("anna@gmx.de", queue_id, &["b@x.example"], Recipients::AllOrNone))
    }

    fn message(&self, text: &str) -> Message {
        let mut intake = Intake::new(Limits::default(), self.site.path());
        intake.push(text.as_bytes()).unwrap();
        intake.finish().unwrap()
    }
}

/// The first recipient's verdict.
fn line(report: &Report) -> String {
    let verdict = Verdict::from(&report.outcomes[0]);
    format!("{} {}", verdict.status, verdict.text)
}
