//! Reading our own lines back: what was logged of a message.

/// What a line of [`DeliveryLine`](super::DeliveryLine)'s says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The MTA's name for the message.
    pub queue_id: String,
    /// The reverse-path.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The provider's server, or `none`.
    pub relay: String,
    /// Who submitted.
    pub user: String,
    /// The account, or `none`.
    pub account: String,
    /// The enhanced status code.
    pub dsn: String,
    /// `sent`, `deferred` or `bounced`.
    pub status: String,
    /// What the MTA was told.
    pub text: String,
}

impl Traced {
    /// What stands in front of the line belongs to whoever keeps the log; lines of others are none.
    pub fn parse(line: &str) -> Option<Traced> {
        let (before, fields) = line.split_once(": from=<")?;
        let queue_id = before.rsplit(' ').next()?.to_owned();
        let (from, rest) = fields.split_once(">, to=<")?;
        let (to, rest) = rest.split_once(">, relay=")?;
        let (relay, rest) = rest.split_once(", user=")?;
        let (user, rest) = rest.split_once(", account=")?;
        let (account, rest) = rest.split_once(", delay=")?;
        let (_, rest) = rest.split_once(", dsn=")?;
        let (dsn, rest) = rest.split_once(", status=")?;
        let (status, text) = rest.split_once(" (")?;
        let [from, to, relay, user, account, dsn, status, text] =
            [from, to, relay, user, account, dsn, status, text.trim_end().strip_suffix(')')?].map(str::to_owned);
        Some(Traced { queue_id, from, to, relay, user, account, dsn, status, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::DeliveryLine;
    use crate::verdict::{Outcome, Verdict};
    use std::time::Duration;

    #[test]
    fn our_line_is_read_back_whatever_is_in_front_of_it() {
        let problem = "a (b), dsn=5.0.0, status=sent (c)".to_owned();
        let verdict = Verdict::from(&Outcome::Local { problem });
        let line = DeliveryLine {
            queue_id: Some("4Xq1zY"),
            from: "anna@gmx.de",
            to: "b>, to=<c@x.example",
            relay: None,
            user: "",
            account: Some("anna@gmx.de"),
            delays: [Duration::ZERO; 4],
            verdict: &verdict,
        };
        for prefix in ["", "2026-11-25T08:06:50+00:00 mail sendvia[1490]: ", "Nov 25 08:06:50 mail sendvia[1490]: "] {
            let traced = Traced::parse(&format!("{prefix}{line}")).unwrap();
            assert_eq!((traced.queue_id.as_str(), traced.from.as_str()), ("4Xq1zY", "anna@gmx.de"));
            assert_eq!((traced.to.as_str(), traced.user.as_str()), ("b?? to??c@x.example", ""));
            assert_eq!((traced.relay.as_str(), traced.account.as_str()), ("none", "anna@gmx.de"));
            assert_eq!((traced.dsn.as_str(), traced.status.as_str()), ("4.3.5", "deferred"));
            assert_eq!(traced.text, verdict.text);
        }
    }

    #[test]
    fn lines_of_others_are_none() {
        let rows = [
            "",
            "mail postfix/qmgr[1]: 4Xq1zY: from=<anna@gmx.de>, size=433, nrcpt=1 (queue active)",
            "mail postfix/pipe[1]: 4Xq1zY: to=<b@x.example>, relay=sendvia, delay=0.04, dsn=2.0.0, status=sent (ok)",
        ];
        for line in rows {
            assert_eq!(Traced::parse(line), None, "{line}");
        }
    }
}
