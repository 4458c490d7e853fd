//! Logging in by SASL (RFC 4422) as SMTP carries it (RFC 4954): which mechanism, and what the client says in it.
//!
//! Octets and values only: the dialogue sends the lines that this gives. Whatever holds a secret is wiped when it is
//! dropped, and no error holds one.

mod cram_md5;
mod error;
mod scram;
mod script;
#[cfg(test)]
mod tests;

pub(super) use error::SaslError;

use super::credentials::{Credentials, Proof};
use crate::secret::{ExposeSecret, SecretString, random};
use crate::wire::capability::Capabilities;
use crate::wire::sasl::{MECHANISMS, Mechanism};
use crate::wire::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scram::{Binding, Scram};
use script::Script;
use zeroize::Zeroizing;

/// What is about to be sent, not yet in base64.
type Octets = Zeroizing<Vec<u8>>;

/// RFC 5321 section 4.5.3.1.4, with CR LF. An initial response that would exceed it waits for the server's empty
/// challenge (RFC 4954 section 4).
const COMMAND_LINE: usize = 512;

/// How much of a server's explanation is kept.
const MAX_EXPLANATION: usize = 500;

/// The strongest mechanism that server, credentials and account allow. What an account names is never left for
/// another: a server that stops offering it gets no login.
pub(super) fn choose(offered: &Capabilities, credentials: &Credentials, has_binding: bool) -> Option<Mechanism> {
    let possible = |mechanism: &Mechanism| has_binding || *mechanism != Mechanism::ScramSha256Plus;
    MECHANISMS
        .into_iter()
        .filter(possible)
        .find(|mechanism| credentials.allow(*mechanism) && offered.offers_auth(*mechanism))
}

/// One login in the making.
pub(super) struct Exchange {
    mechanism: Mechanism,
    form: Form,
    /// An initial response that was too long for the command line.
    unsent: Option<Zeroizing<String>>,
    explanation: Option<String>,
    /// Kept so that a server's explanation which repeats it is not shown.
    secret: SecretString,
}

enum Form {
    Script(Script),
    /// The login, until the one challenge has come.
    CramMd5(Option<String>),
    Scram(Box<Scram>),
}

impl Exchange {
    /// Begins the exchange. `binding` is the `tls-exporter` keying material (RFC 9266) of the TLS 1.3 session, if
    /// there is one: state it for every mechanism as it was stated to [`choose`].
    ///
    /// # Errors
    /// If the credentials do not suit the mechanism, cannot be written in its form, or nothing can be bound to.
    pub(super) fn new(
        mechanism: Mechanism,
        credentials: &Credentials,
        host: &str,
        port: u16,
        binding: Option<[u8; 32]>,
    ) -> Result<Exchange, SaslError> {
        // 18 octets make 24 characters without padding.
        let mut octets = [0; 18];
        random(&mut octets).map_err(SaslError::Random)?;
        Exchange::with_nonce(mechanism, credentials, (host, port), binding, STANDARD.encode(octets))
    }

    fn with_nonce(
        mechanism: Mechanism,
        credentials: &Credentials,
        (host, port): (&str, u16),
        binding: Option<[u8; 32]>,
        nonce: String,
    ) -> Result<Exchange, SaslError> {
        let login = credentials.login.as_str();
        let secret = sendable(mechanism, credentials)?;
        let text = secret.expose_secret();
        let form = match mechanism {
            Mechanism::Plain => Form::Script(Script::plain(login, text)),
            Mechanism::Login => Form::Script(Script::login(login, text)),
            Mechanism::XOAuth2 => Form::Script(Script::xoauth2(login, text)),
            Mechanism::OAuthBearer => Form::Script(Script::oauth_bearer(login, text, host, port)),
            Mechanism::CramMd5 => Form::CramMd5(Some(login.to_owned())),
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => {
                let binding = scram_binding(mechanism, credentials, binding)?;
                Form::Scram(Box::new(Scram::new(binding, login, text, nonce)))
            }
        };
        Ok(Exchange { mechanism, form, unsent: None, explanation: None, secret: secret.clone() })
    }

    /// What follows the mechanism's name on the AUTH line: base64, none where the mechanism begins with the server's
    /// challenge (LOGIN counts as such: many servers know it no other way) or where it would be too long for a
    /// command line. Then [`Exchange::respond`] gives it.
    pub(super) fn initial_response(&mut self) -> Result<Option<Zeroizing<String>>, SaslError> {
        let first = match &mut self.form {
            Form::Script(script) if self.mechanism != Mechanism::Login => script.next(),
            Form::Scram(scram) => Some(scram.first()),
            Form::Script(_) | Form::CramMd5(_) => None,
        };
        let Some(line) = first.map(|octets| encoded(&octets)) else {
            return Ok(None);
        };
        if "AUTH ".len() + self.mechanism.name().len() + " ".len() + line.len() + "\r\n".len() > COMMAND_LINE {
            self.unsent = Some(line);
            return Ok(None);
        }
        // An empty one is said as `=`, so that it differs from none (RFC 4954 section 4).
        Ok(Some(if line.is_empty() { Zeroizing::new("=".to_owned()) } else { line }))
    }

    /// The line, without CR LF, that answers a challenge (the text after `334 `).
    ///
    /// # Errors
    /// If the exchange cannot go on; the client then cancels it with `*` (RFC 4954 section 4).
    pub(super) fn respond(&mut self, challenge: &[u8]) -> Result<Zeroizing<String>, SaslError> {
        if let Some(line) = self.unsent.take() {
            return Ok(line);
        }
        let challenge = challenge.trim_ascii();
        let octets = match &mut self.form {
            Form::Script(script) => match script.next() {
                Some(line) => line,
                None => self.acknowledge(challenge)?,
            },
            Form::CramMd5(login) => {
                let login = login.take().ok_or(SaslError::Unexpected(self.mechanism))?;
                cram_md5::response(&login, self.secret.expose_secret(), &decoded(challenge)?)
            }
            Form::Scram(scram) => {
                let message = decoded(challenge)?;
                if message.starts_with(b"e=") && scram.fail() {
                    self.explain(&message);
                    Octets::default()
                } else {
                    scram.respond(&message)?
                }
            }
        };
        Ok(encoded(&octets))
    }

    /// After 235: whether the server, too, has proved who it is, where the mechanism has that.
    pub(super) fn finish(&mut self) -> Result<(), SaslError> {
        match &self.form {
            Form::Scram(scram) if !scram.is_proven() => Err(SaslError::Unproven),
            Form::Script(_) | Form::CramMd5(_) | Form::Scram(_) => Ok(()),
        }
    }

    /// Why the server refused, as it said in a challenge (a refused token's JSON, SCRAM's `e=`): one printable line.
    pub(super) fn error_challenge(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// Answers the challenge by which a server explains that it refuses a token; the 535 comes after it.
    fn acknowledge(&mut self, challenge: &[u8]) -> Result<Octets, SaslError> {
        let Form::Script(script) = &mut self.form else {
            return Err(SaslError::Unexpected(self.mechanism));
        };
        let answer = script.acknowledge().ok_or(SaslError::Unexpected(self.mechanism))?;
        self.explain(&STANDARD.decode(challenge).unwrap_or_else(|_| challenge.to_vec()));
        Ok(answer)
    }

    fn explain(&mut self, said: &[u8]) {
        let line = one_line(said, MAX_EXPLANATION);
        // Looked for in what was said, too, lest the end that one_line left off parted the secret.
        let secret = self.secret.expose_secret();
        let shown = !String::from_utf8_lossy(said).contains(secret) && !line.contains(secret);
        self.explanation = Some(line).filter(|line| shown && !line.is_empty());
    }
}

/// The credentials' secret, if login and secret can be written in the mechanism's form.
fn sendable(mechanism: Mechanism, credentials: &Credentials) -> Result<&SecretString, SaslError> {
    let unsendable = |what, why| Err(SaslError::Unsendable { what, why });
    let (what, secret) = match &credentials.proof {
        Proof::Password(secret) if !mechanism.takes_token() => ("password", secret),
        Proof::AccessToken(secret) if mechanism.takes_token() => ("access token", secret),
        Proof::Password(_) | Proof::AccessToken(_) => return Err(SaslError::WrongProof(mechanism)),
    };
    let text = secret.expose_secret();
    match credentials.login.as_str() {
        "" => return unsendable("login", "is empty"),
        login if login.contains('\0') => return unsendable("login", "holds a NUL"),
        login if login.chars().any(char::is_control) => return unsendable("login", "holds a control character"),
        _ => {}
    }
    match text {
        "" => unsendable(what, "is empty"),
        _ if text.contains('\0') => unsendable(what, "holds a NUL"),
        // RFC 6750 section 2.1 allows yet less.
        _ if mechanism.takes_token() && !text.bytes().all(|octet| octet.is_ascii_graphic()) => {
            unsendable(what, "holds a space, a line end or another character that no token has")
        }
        _ => Ok(secret),
    }
}

/// `y` is for a client that would have bound the login, so not for an account that names other mechanisms only.
fn scram_binding(
    mechanism: Mechanism,
    credentials: &Credentials,
    material: Option<[u8; 32]>,
) -> Result<Binding, SaslError> {
    match (mechanism, material) {
        (Mechanism::ScramSha256Plus, Some(material)) => Ok(Binding::Exporter(material)),
        (Mechanism::ScramSha256Plus, None) => Err(SaslError::NoBinding(mechanism)),
        (_, Some(_)) if credentials.allow(Mechanism::ScramSha256Plus) => Ok(Binding::NotOffered),
        _ => Ok(Binding::Unused),
    }
}

/// The parts one after another, in a buffer that does not grow and so leaves nothing behind.
fn joined(parts: &[&str]) -> Octets {
    let mut octets = Octets::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| octets.extend_from_slice(part.as_bytes()));
    octets
}

fn encoded(octets: &Octets) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(octets.as_slice()))
}

fn decoded(challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
    STANDARD.decode(challenge).map_err(|_| SaslError::NotBase64)
}
