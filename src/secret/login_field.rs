//! The header field that carries a login from the MTA's policy service to LMTP, which has no word for it.
//!
//! Whoever may write a header field could write this one, so a field is believed only with a keyed digest (HMAC-SHA-256)
//! over all that it says, and only for the message it was made for: the queue id and the sender stand in it, and the
//! time, so that it does not serve for ever. Octets in, octets out; where the key comes from is [`LoginKey::read`]'s.
//!
//! ```abnf
//! body = "v=1; a=sha256; q=" queue-id "; t=" seconds "; l=" base64 "; s=" base64 "; h=" 64HEXDIG
//! ```
//! `l` is the login, `s` the sender; the digest is over everything before `; h=`. [`exim`] has what Exim signs.

mod exim;

pub use exim::EximClaim;

use super::private::{self, PrivateFileError};
use crate::state::Moment;
use crate::wire::mailbox::{Mailbox, ReversePath};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The field's name.
pub const LOGIN_FIELD: &str = "X-Sendvia-Login";

/// Octets of the shortest key: as many as the digest has.
const LEAST_KEY: usize = 32;

/// More than any key needs.
const MOST_KEY: u64 = 4096;

/// How far clocks of one host may run apart, backwards steps included.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

/// The key that signs and verifies; wiped when dropped.
pub struct LoginKey(Zeroizing<Vec<u8>>);

/// What a field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginClaim<'a> {
    /// The login, as the MTA authenticated it.
    pub login: &'a str,
    /// The reverse-path.
    pub sender: &'a ReversePath,
    /// The MTA's name for the message.
    pub queue_id: &'a str,
    /// When it was signed.
    pub at: Moment,
}

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LoginKeyError {
    /// The file.
    #[error("{0}")]
    File(#[from] PrivateFileError),
    /// Too short to be a key.
    #[error("{path}: the key has {length} octets, but must have at least {LEAST_KEY}", path = path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How many it has.
        length: usize,
    },
}

impl LoginKeyError {
    /// The remedy, a command where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            LoginKeyError::File(PrivateFileError::Io { path, .. }) if self.is_missing() => Some(made(path)),
            LoginKeyError::File(error) => error.hint(),
            LoginKeyError::TooShort { path, .. } => Some(made(path)),
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, LoginKeyError::File(error) if error.is_missing())
    }
}

/// The command that makes a key, as the guides have it.
fn made(path: &Path) -> String {
    let path = path.display();
    format!("umask 077; head -c 48 /dev/urandom | base64 -w0 >{path}; chown sendvia: {path}")
}

/// Why a field is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// It has not the form of a field of ours.
    #[error("it is malformed")]
    Malformed,
    /// The digest is not ours.
    #[error("its digest is not made by our key")]
    Forged,
    /// It was made for another message.
    #[error("it was made for another message")]
    OtherMessage,
    /// It was made for another sender.
    #[error("it was made for another sender")]
    OtherSender,
    /// It is too old, or from the future.
    #[error("it has expired")]
    Expired,
}

impl LoginKey {
    /// Reads the private file; a line end behind the key is no part of it.
    ///
    /// # Errors
    /// [`LoginKeyError`].
    pub fn read(path: &Path) -> Result<LoginKey, LoginKeyError> {
        LoginKey::new(private::read(path, MOST_KEY)?)
            .map_err(|length| LoginKeyError::TooShort { path: path.to_owned(), length })
    }

    /// The key, or the length of one that is too short.
    fn new(mut octets: Zeroizing<Vec<u8>>) -> Result<LoginKey, usize> {
        while octets.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            octets.pop();
        }
        match octets.len() {
            length if length < LEAST_KEY => Err(length),
            _ => Ok(LoginKey(octets)),
        }
    }

    /// The body of a field that says `claim`.
    pub fn sign(&self, claim: &LoginClaim<'_>) -> String {
        let encoded = |text: &str| STANDARD.encode(text);
        let stated = format!(
            "v=1; a=sha256; q={}; t={}; l={}; s={}",
            claim.queue_id,
            claim.at.0,
            encoded(claim.login),
            encoded(&folded(claim.sender))
        );
        let digest: String = self
            .mac::<Hmac<Sha256>>(&stated)
            .finalize()
            .into_bytes()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        format!("{stated}; h={digest}")
    }

    /// The login that the field with this `body` proves for a message with this queue id and sender. The body may be
    /// folded, and spaces in it may be others than they were.
    ///
    /// # Errors
    /// [`Disbelief`]: then the message counts as one without a login.
    pub fn verify(
        &self,
        body: &[u8],
        queue_id: &str,
        sender: &ReversePath,
        now: Moment,
        lifetime: Duration,
    ) -> Result<String, Disbelief> {
        let text = unfolded(body)?;
        let field = Parsed::parse(&text, "sha256").filter(|field| !field.login.is_empty());
        let field = field.ok_or(Disbelief::Malformed)?;
        self.check::<Hmac<Sha256>>(&field)?;
        match () {
            () if field.queue_id != queue_id => Err(Disbelief::OtherMessage),
            () if field.sender != folded(sender) => Err(Disbelief::OtherSender),
            () if !field.is_fresh(now, lifetime) => Err(Disbelief::Expired),
            () => Ok(field.login),
        }
    }

    /// Whether the digest is made by this key.
    fn check<M: Mac + KeyInit>(&self, field: &Parsed<'_>) -> Result<(), Disbelief> {
        // The blanks that were taken out are part of what was signed.
        let signed = field.stated.replace(';', "; ");
        self.mac::<M>(&signed).verify_slice(&field.digest).map_err(|_| Disbelief::Forged)
    }

    fn mac<M: Mac + KeyInit>(&self, stated: &str) -> M {
        let mac = <M as KeyInit>::new_from_slice(&self.0);
        let mut mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(stated.as_bytes());
        mac
    }
}

/// A body without any white space.
fn unfolded(body: &[u8]) -> Result<String, Disbelief> {
    Ok(std::str::from_utf8(body).map_err(|_| Disbelief::Malformed)?.split_whitespace().collect())
}

/// A body taken apart, nothing believed yet.
struct Parsed<'a> {
    stated: &'a str,
    queue_id: &'a str,
    at: Moment,
    login: String,
    sender: String,
    digest: Vec<u8>,
}

impl<'a> Parsed<'a> {
    /// `text` is a body without any white space, signed by this algorithm.
    fn parse(text: &'a str, algorithm: &str) -> Option<Parsed<'a>> {
        let (stated, digest) = text.split_once(";h=")?;
        let rest = stated.strip_prefix("v=1;a=")?.strip_prefix(algorithm)?.strip_prefix(";q=")?;
        let (queue_id, rest) = rest.split_once(";t=")?;
        let (seconds, rest) = rest.split_once(";l=")?;
        let (login, sender) = rest.split_once(";s=")?;
        let decoded = |text: &str| STANDARD.decode(text).ok().and_then(|octets| String::from_utf8(octets).ok());
        Some(Parsed {
            stated,
            queue_id,
            at: Moment(seconds.parse().ok()?),
            login: decoded(login)?,
            sender: decoded(sender)?,
            digest: unhex(digest)?,
        })
    }

    fn is_fresh(&self, now: Moment, lifetime: Duration) -> bool {
        now.since(self.at) <= lifetime && self.at.since(now) <= CLOCK_SLACK
    }
}

/// As addresses are compared; empty for the null reverse-path.
fn folded(sender: &ReversePath) -> String {
    sender.mailbox().map(Mailbox::folded).unwrap_or_default()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let octets = digits.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if !octets.len().is_multiple_of(2) || !octets.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    octets.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_800_000_000);
    const LOGIN: &str = "anna; q=X";
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn key(octet: u8) -> LoginKey {
        LoginKey::new(Zeroizing::new(vec![octet; 32])).unwrap()
    }

    fn path(text: &str) -> ReversePath {
        ReversePath::parse(text).unwrap()
    }

    fn signed(key: &LoginKey, login: &str) -> String {
        key.sign(&LoginClaim { login, sender: &path("Anna@GMX.de"), queue_id: "4Xq1zY", at: NOW })
    }

    #[test]
    fn what_was_signed_is_believed_folded_or_not() {
        let body = signed(&key(1), LOGIN);
        for body in [body.clone(), format!(" {body}\r\n"), body.replace("; ", ";\r\n\t")] {
            let login = key(1).verify(body.as_bytes(), "4Xq1zY", &path("anna@gmx.de"), NOW, DAY);
            assert_eq!(login, Ok(LOGIN.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_was_not_signed_for_this_message_is_not_believed() {
        let body = signed(&key(1), LOGIN);
        let other_login = signed(&key(1), "berta");
        let spliced = body.replace(
            &body[body.find("l=").unwrap()..body.find("; s=").unwrap()],
            &other_login[other_login.find("l=").unwrap()..other_login.find("; s=").unwrap()],
        );
        let later = |seconds: i64| Moment(NOW.0 + seconds);
        let rows = [
            (body.as_str(), "4Xq1zY", "anna@gmx.de", later(86_400), None),
            (&body, "4Xq1zY", "anna@gmx.de", later(86_401), Some(Disbelief::Expired)),
            (&body, "4Xq1zY", "anna@gmx.de", later(-301), Some(Disbelief::Expired)),
            (&body, "4Xq1zZ", "anna@gmx.de", NOW, Some(Disbelief::OtherMessage)),
            (&body, "", "anna@gmx.de", NOW, Some(Disbelief::OtherMessage)),
            (&body, "4Xq1zY", "berta@gmx.de", NOW, Some(Disbelief::OtherSender)),
            (&body, "4Xq1zY", "", NOW, Some(Disbelief::OtherSender)),
            (&spliced, "4Xq1zY", "anna@gmx.de", NOW, Some(Disbelief::Forged)),
            (&body[..body.len() - 2], "4Xq1zY", "anna@gmx.de", NOW, Some(Disbelief::Forged)),
            (&body[..body.len() - 1], "4Xq1zY", "anna@gmx.de", NOW, Some(Disbelief::Malformed)),
            ("v=1; a=sha256; q=4Xq1zY", "4Xq1zY", "anna@gmx.de", NOW, Some(Disbelief::Malformed)),
            ("", "4Xq1zY", "anna@gmx.de", NOW, Some(Disbelief::Malformed)),
        ];
        for (body, queue_id, sender, now, expected) in rows {
            assert_eq!(
                key(1).verify(body.as_bytes(), queue_id, &path(sender), now, DAY).err(),
                expected,
                "{body} at {now:?}"
            );
        }
        assert_eq!(
            key(2).verify(body.as_bytes(), "4Xq1zY", &path("anna@gmx.de"), NOW, DAY),
            Err(Disbelief::Forged),
            "another key"
        );
    }

    #[test]
    fn a_login_without_a_name_proves_nothing() {
        let body = signed(&key(1), "");
        assert_eq!(key(1).verify(body.as_bytes(), "4Xq1zY", &path("anna@gmx.de"), NOW, DAY), Err(Disbelief::Malformed));
    }

    #[test]
    fn a_short_key_is_none() {
        assert!(matches!(LoginKey::new(Zeroizing::new(b"0123456789012345678901234567890\n".to_vec())), Err(31)));
    }

    proptest::proptest! {
        #[test]
        fn no_octets_are_believed_and_none_make_it_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            proptest::prop_assert!(key(1).verify(&octets, "q", &ReversePath::Null, NOW, DAY).is_err());
        }
    }
}
