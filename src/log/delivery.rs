//! The line about one recipient of one delivery.

use crate::verdict::Verdict;
use crate::wire::text::one_line;
use std::fmt;
use std::time::Duration;

/// What is said of a delivery, in the order of Postfix's own lines.
///
/// `4Xq1: from=<anna@gmx.de>, to=<b@x.example>, relay=mail.gmx.net[192.0.2.1]:587, user=anna, account=anna@gmx.de,
/// delay=0.31, delays=0.01/0/0.2/0.1, dsn=2.0.0, status=sent (gmx: 250 ok)`
#[derive(Clone, Debug)]
pub struct DeliveryLine<'a> {
    /// The MTA's name for the message.
    pub queue_id: Option<&'a str>,
    /// The reverse-path, empty for the null one.
    pub from: &'a str,
    /// The recipient.
    pub to: &'a str,
    /// The provider's server.
    pub relay: Option<&'a str>,
    /// Who submitted.
    pub user: &'a str,
    /// The account.
    pub account: Option<&'a str>,
    /// Reading, deciding, connecting, sending.
    pub delays: [Duration; 4],
    /// What it came to.
    pub verdict: &'a Verdict,
}

impl DeliveryLine<'_> {
    /// Sends the line to the log.
    pub fn log(&self) {
        super::info(&self.to_string());
    }
}

impl fmt::Display for DeliveryLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |text: &str| escaped(text, MAX_VALUE);
        let or_none = |text: Option<&str>| text.map_or_else(|| "none".to_owned(), value);
        let total: Duration = self.delays.iter().sum();
        let delays = self.delays.map(seconds).join("/");
        write!(f, "{}: from=<{}>, ", queue_name(self.queue_id), value(self.from))?;
        write!(f, "to=<{}>, relay={}, ", value(self.to), or_none(self.relay))?;
        write!(f, "user={}, account={}, ", value(self.user), or_none(self.account))?;
        write!(f, "delay={}, delays={delays}, dsn={}, ", seconds(total), self.verdict.status)?;
        write!(f, "status={} ({})", self.verdict.disposition.status(), self.verdict.text)
    }
}

/// How lines about a message begin.
pub fn queue_name(queue_id: Option<&str>) -> String {
    queue_id.map_or_else(|| "NOQUEUE".to_owned(), |queue_id| escaped(queue_id, MAX_VALUE))
}

/// Longest value shown, in characters.
const MAX_VALUE: usize = 320;

/// A value that a peer chose, so that it can't be taken for the next field: `, ` and angle brackets inside it are what a
/// reader goes by.
fn escaped(text: &str, limit: usize) -> String {
    one_line(text.as_bytes(), limit).replace([',', '<', '>', '='], "?")
}

/// As Postfix writes them: no more digits than matter.
fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        0.0..0.005 => "0".to_owned(),
        0.005..1.0 => format!("{seconds:.2}"),
        1.0..10.0 => format!("{seconds:.1}"),
        _ => format!("{seconds:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Outcome;
    use crate::wire::reply::Reply;

    #[test]
    fn a_line_reads_like_postfixs_own() {
        let sent = Outcome::Sent { provider: "gmx".into(), reply: Reply::new(250, "Requested mail action okay") };
        let line = DeliveryLine {
            queue_id: Some("4Xq1zY"),
            from: "anna@gmx.de",
            to: "b@x.example",
            relay: Some("mail.gmx.net[192.0.2.1]:587"),
            user: "anna",
            account: Some("anna@gmx.de"),
            delays: [12, 1, 200, 1100].map(Duration::from_millis),
            verdict: &Verdict::from(&sent),
        };
        assert_eq!(
            line.to_string(),
            "4Xq1zY: from=<anna@gmx.de>, to=<b@x.example>, relay=mail.gmx.net[192.0.2.1]:587, user=anna, \
             account=anna@gmx.de, delay=1.3, delays=0.01/0/0.20/1.1, dsn=2.0.0, \
             status=sent (gmx: 250 Requested mail action okay)"
        );
    }

    #[test]
    fn nobody_begins_a_field_or_a_line_of_his_own() {
        let refused = Outcome::NoAccount { sender: "x\nforged: from=<".into(), permanent: false };
        let line = DeliveryLine {
            queue_id: Some("1\n2"),
            from: "a>, to=<b\r\nNov 1 forged",
            to: "\u{202e}evil",
            relay: None,
            user: "no login, account=root",
            account: None,
            delays: [Duration::ZERO; 4],
            verdict: &Verdict::from(&refused),
        };
        let line = line.to_string();
        assert!(!line.contains(['\r', '\n', '\u{202e}']), "{line}");
        assert!(
            line.starts_with("1 2: from=<a?? to??b Nov 1 forged>, to=<evil>, relay=none, user=no login? "),
            "{line}"
        );
    }
}
