//! What a customer's mail program shows him, in German. ASCII alone: a reply of SMTP has nothing else unless both ends
//! speak SMTPUTF8, so umlauts are written as two letters. The log and all that an administrator reads stay English.

use crate::verdict::Outcome;

/// The text of a refusal; `None` where there is none but the English one.
pub(super) fn text(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::NotAuthorised { sender, submitter } => {
            let login = submitter.strip_prefix("login ").unwrap_or(submitter);
            Some(format!("der Login {login} darf nicht als <{sender}> senden: bitte einen eigenen Absender waehlen"))
        }
        Outcome::AccountDisabled { account } => Some(format!("das Konto {account} ist abgeschaltet")),
        Outcome::Closed { subject, reason, until } => {
            let subject = match subject.split_once(' ') {
                Some(("account", name)) => format!("das Konto {name}"),
                Some(("login", name)) => format!("der Login von {}", name.trim_start_matches("of ")),
                _ => subject.clone(),
            };
            Some(format!("{subject} ist geschlossen bis {until}: {reason}"))
        }
        Outcome::Local { .. } => Some("voruebergehende Stoerung, bitte spaeter noch einmal versuchen".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_a_customer_has_german_words_of_ascii() {
        let closed = |subject: &str| Outcome::Closed {
            subject: subject.into(),
            reason: "535 gesperrt".into(),
            until: "12:00".into(),
        };
        let rows = [
            (
                Outcome::NotAuthorised { sender: "a@gmx.de".into(), submitter: "login berta".into() },
                "der Login berta darf nicht als <a@gmx.de> senden: bitte einen eigenen Absender waehlen",
            ),
            (Outcome::AccountDisabled { account: "a@gmx.de".into() }, "das Konto a@gmx.de ist abgeschaltet"),
            (closed("account a@gmx.de"), "das Konto a@gmx.de ist geschlossen bis 12:00: 535 gesperrt"),
            (closed("login of a@gmx.de"), "der Login von a@gmx.de ist geschlossen bis 12:00: 535 gesperrt"),
            (closed("route direct gmx"), "route direct gmx ist geschlossen bis 12:00: 535 gesperrt"),
            (
                Outcome::Local { problem: "the login can't be signed now".into() },
                "voruebergehende Stoerung, bitte spaeter noch einmal versuchen",
            ),
        ];
        for (outcome, expected) in rows {
            let text = text(&outcome).unwrap();
            assert!(text.is_ascii());
            assert_eq!(text, expected);
        }
    }
}
