//! The server's side of SASL: PLAIN (RFC 4616), LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628).

use super::Mechanism;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client wants to prove.
pub(super) struct Attempt {
    pub(super) login: String,
    pub(super) secret: String,
}

/// How an exchange goes on.
pub(super) enum Step {
    /// 334 with this, before base64.
    Challenge(String),
    /// The client has said all.
    Done(Attempt),
    /// Not base64, or not the mechanism's form.
    Malformed,
}

/// One exchange.
pub(super) struct Exchange {
    mechanism: Mechanism,
    login: Option<String>,
}

impl Exchange {
    pub(super) fn new(mechanism: Mechanism) -> Exchange {
        Exchange { mechanism, login: None }
    }

    /// The step after AUTH, which may have carried an initial response; `=` is an empty one (RFC 4954 section 4).
    pub(super) fn begin(&mut self, initial: Option<&str>) -> Step {
        match (initial, self.mechanism) {
            (Some("="), _) => self.take(Vec::new()),
            (Some(response), _) => self.respond(response),
            (None, Mechanism::Login) => Step::Challenge("Username:".to_owned()),
            (None, _) => Step::Challenge(String::new()),
        }
    }

    /// The step after a response to a challenge.
    pub(super) fn respond(&mut self, response: &str) -> Step {
        STANDARD.decode(response).map_or(Step::Malformed, |octets| self.take(octets))
    }

    fn take(&mut self, octets: Vec<u8>) -> Step {
        let Ok(text) = String::from_utf8(octets) else {
            return Step::Malformed;
        };
        match self.mechanism {
            Mechanism::Plain => plain(&text),
            Mechanism::Login => self.login(text),
            Mechanism::XOAuth2 => token(&text, |field| field.strip_prefix("user=")),
            Mechanism::OAuthBearer => {
                let identity = text.split(',').find_map(|part| part.strip_prefix("a=")).map(str::to_owned);
                match (token(&text, |_| Some("")), identity) {
                    (Step::Done(attempt), Some(login)) => Step::Done(Attempt { login, ..attempt }),
                    _ => Step::Malformed,
                }
            }
        }
    }

    fn login(&mut self, text: String) -> Step {
        match self.login.take() {
            None => {
                self.login = Some(text);
                Step::Challenge("Password:".to_owned())
            }
            Some(login) => Step::Done(Attempt { login, secret: text }),
        }
    }
}

/// `[authzid] NUL authcid NUL passwd`
fn plain(text: &str) -> Step {
    match text.split('\0').collect::<Vec<_>>().as_slice() {
        [_, login, secret] => Step::Done(Attempt { login: (*login).to_owned(), secret: (*secret).to_owned() }),
        _ => Step::Malformed,
    }
}

/// Fields between octets of value 1, of which one is `auth=Bearer TOKEN`.
fn token<'a>(text: &'a str, login: impl Fn(&'a str) -> Option<&'a str>) -> Step {
    let login = text.split('\x01').find_map(login);
    let secret = text.split('\x01').find_map(|field| field.strip_prefix("auth=Bearer "));
    match (login, secret, text.ends_with("\x01\x01")) {
        (Some(login), Some(secret), true) => Step::Done(Attempt { login: login.to_owned(), secret: secret.to_owned() }),
        _ => Step::Malformed,
    }
}

/// The JSON that a refused token is answered with, as a challenge that the client must answer too.
pub(super) fn error_challenge(mechanism: Mechanism) -> Option<&'static str> {
    match mechanism {
        Mechanism::XOAuth2 => Some(r#"{"status":"401","schemes":"Bearer","scope":"https://mail.example/"}"#),
        Mechanism::OAuthBearer => Some(r#"{"status":"invalid_token","scope":"mail"}"#),
        Mechanism::Plain | Mechanism::Login => None,
    }
}

pub(super) fn encode(challenge: &str) -> String {
    STANDARD.encode(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_gives_login_and_secret() {
        let rows: [(Mechanism, &[&str]); 4] = [
            (Mechanism::Plain, &["\0anna@gmx.de\0geheim"]),
            (Mechanism::Login, &["anna@gmx.de", "geheim"]),
            (Mechanism::XOAuth2, &["user=anna@gmx.de\x01auth=Bearer geheim\x01\x01"]),
            (Mechanism::OAuthBearer, &["n,a=anna@gmx.de,\x01auth=Bearer geheim\x01\x01"]),
        ];
        for (mechanism, responses) in rows {
            let mut exchange = Exchange::new(mechanism);
            let steps: Vec<Step> = responses.iter().map(|text| exchange.respond(&encode(text))).collect();
            match steps.last() {
                Some(Step::Done(attempt)) => {
                    assert_eq!((attempt.login.as_str(), attempt.secret.as_str()), ("anna@gmx.de", "geheim"));
                }
                _ => panic!("{mechanism:?} did not end"),
            }
        }
    }
}
