//! A secret as text that opens only where it belongs.
//!
//! The text is `v1:KEYID:BASE64`, the Base64 being a random nonce of 24 octets, the secret under XChaCha20-Poly1305,
//! and its tag. The associated data is the [`Binding`]: whose secret it is, in which field, under which login, and
//! where it may be sent. So a sealed value copied to another account does not open there, nor does one whose `host`
//! was edited to collect passwords.
//!
//! What sealing does not hide: that a secret exists, and its length.

use super::key::{KeyId, KeyRing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use std::io;
use zeroize::Zeroizing;

/// The form of the text and of the associated data; both change together.
const VERSION: &str = "v1";
/// Begins the associated data, so that nothing sealed for another purpose ever opens here.
const DOMAIN: &str = "sendvia sealed secret";
/// Octets of XChaCha20's nonce: long enough to be random for ever.
const NONCE_LENGTH: usize = 24;

/// What a secret belongs to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Binding {
    /// The account's address as accounts are found by it (folded).
    pub account: String,
    /// Which secret of the account: `password`, `refresh-token`, `client-secret`, `access-token`.
    pub field: String,
    /// The authentication identity it is used with.
    pub login: String,
    /// Where it may be sent.
    pub destination: Destination,
}

/// Where a secret may be sent.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// A provider by its preset's name: the administrator's word for where that is.
    Provider(String),
    /// A server that the account itself names.
    Server {
        /// Its name or address; case and a final dot make no difference.
        host: String,
        /// Its port.
        port: u16,
        /// `implicit`, `starttls` or `none`.
        tls: String,
    },
    /// A token endpoint's URL (RFC 6749 section 3.2).
    TokenEndpoint(String),
}

/// Why a sealed text does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is not `v1:KEYID:BASE64`.
    #[error("not a sealed secret: expected v1:KEYID:BASE64")]
    Malformed,
    /// Sealed with a key that is not in the ring.
    #[error("sealed with key {id}, which is not in the key ring")]
    UnknownKey {
        /// The key it was sealed with.
        id: KeyId,
    },
    /// The tag does not fit: it was sealed for another account, login or server, or it was changed.
    #[error(
        "the sealed {field} of {account} does not open: it was sealed for another account, login or server, or was changed"
    )]
    DoesNotFit {
        /// The account it was tried for.
        account: String,
        /// The field it was tried for.
        field: String,
    },
    /// The system's generator refused.
    #[error("no random octets: {0}")]
    Random(io::Error),
}

impl SealError {
    /// The remedy, a command where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            SealError::Malformed => Some("write it with `sendvia account set-secret ADDRESS`".to_owned()),
            SealError::UnknownKey { .. } => Some(
                "put that key back into the key ring, or enter the secret again with `sendvia account set-secret`"
                    .to_owned(),
            ),
            SealError::DoesNotFit { account, .. } => Some(format!(
                "after a change of login or server seal it again: `sendvia account set-server`, or `sendvia account set-secret {account}`"
            )),
            SealError::Random(_) => None,
        }
    }
}

impl KeyRing {
    /// Seals `secret` for `binding` with the ring's first key.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn seal(&self, binding: &Binding, secret: &SecretString) -> Result<String, SealError> {
        let key = self.sealing();
        let mut nonce = [0; NONCE_LENGTH];
        super::random(&mut nonce).map_err(SealError::Random)?;
        let plain = Payload { msg: secret.expose_secret().as_bytes(), aad: &binding.associated_data() };
        // The cipher only refuses more than 256 GiB.
        let sealed = cipher(key.octets())
            .encrypt(&XNonce::from(nonce), plain)
            .map_err(|_| SealError::Random(io::ErrorKind::FileTooLarge.into()))?;
        let body = STANDARD.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{VERSION}:{}:{body}", key.id()))
    }

    /// Opens `text` for `binding`.
    ///
    /// # Errors
    /// [`SealError`]; nothing of the secret is in it.
    pub fn open(&self, binding: &Binding, text: &str) -> Result<SecretString, SealError> {
        let (id, body) = parse(text)?;
        let key = self.find(id).ok_or(SealError::UnknownKey { id })?;
        let does_not_fit = || SealError::DoesNotFit { account: binding.account.clone(), field: binding.field.clone() };
        let (nonce, sealed) = body.split_at(NONCE_LENGTH);
        let nonce = <[u8; NONCE_LENGTH]>::try_from(nonce).map_err(|_| SealError::Malformed)?;
        let payload = Payload { msg: sealed, aad: &binding.associated_data() };
        let plain = cipher(key.octets()).decrypt(&XNonce::from(nonce), payload).map_err(|_| does_not_fit())?;
        let plain = Zeroizing::new(plain);
        // `to_owned` takes exactly the room it needs, so that making it a SecretString leaves no copy behind.
        let text = std::str::from_utf8(&plain).map_err(|_| does_not_fit())?.to_owned();
        Ok(SecretString::from(text))
    }

    /// Seals `text` again with the ring's first key; `None` when that is the key it is sealed with.
    ///
    /// # Errors
    /// [`SealError`], when it does not open for `binding`.
    pub fn reseal(&self, binding: &Binding, text: &str) -> Result<Option<String>, SealError> {
        if sealed_with(text)? == self.sealing().id() {
            return Ok(None);
        }
        self.seal(binding, &self.open(binding, text)?).map(Some)
    }
}

/// The key that `text` was sealed with.
///
/// # Errors
/// [`SealError::Malformed`].
pub fn sealed_with(text: &str) -> Result<KeyId, SealError> {
    parse(text).map(|(id, _)| id)
}

/// ```abnf
/// sealed = "v1:" 12HEXDIG ":" base64   ; nonce, ciphertext, tag
/// ```
fn parse(text: &str) -> Result<(KeyId, Vec<u8>), SealError> {
    let mut parts = text.trim().splitn(3, ':');
    let (version, id, body) = (parts.next(), parts.next().and_then(KeyId::parse), parts.next());
    let (Some(VERSION), Some(id), Some(body)) = (version, id, body) else {
        return Err(SealError::Malformed);
    };
    let body = STANDARD.decode(body).map_err(|_| SealError::Malformed)?;
    if body.len() < NONCE_LENGTH { Err(SealError::Malformed) } else { Ok((id, body)) }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(<&CipherKey>::from(key))
}

impl Binding {
    /// Every part with its length before it, so that no two bindings have the same octets.
    fn associated_data(&self) -> Vec<u8> {
        let port;
        let host;
        let destination: [&str; 4] = match &self.destination {
            Destination::Provider(name) => ["provider", name, "", ""],
            Destination::Server { host: name, port: number, tls } => {
                host = name.trim_end_matches('.').to_ascii_lowercase();
                port = number.to_string();
                ["server", &host, &port, tls]
            }
            Destination::TokenEndpoint(url) => ["token-endpoint", url, "", ""],
        };
        let whose = [DOMAIN, VERSION, &self.account, &self.field, &self.login];
        let mut octets = Vec::new();
        for part in whose.iter().chain(&destination) {
            octets.extend_from_slice(&(part.len() as u64).to_be_bytes());
            octets.extend_from_slice(part.as_bytes());
        }
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding {
        Binding {
            account: "anna@gmx.de".to_owned(),
            field: "password".to_owned(),
            login: "anna@gmx.de".to_owned(),
            destination: server("mail.gmx.net", 587, "starttls"),
        }
    }

    fn server(host: &str, port: u16, tls: &str) -> Destination {
        Destination::Server { host: host.to_owned(), port, tls: tls.to_owned() }
    }

    fn ring() -> KeyRing {
        KeyRing::generate().expect("random octets")
    }

    #[test]
    fn a_sealed_secret_opens_for_its_own_binding_and_shows_nothing_of_itself() {
        let ring = ring();
        for secret in ["hunter2", "", "pässwörd", "with:colons:and\nlines", &"x".repeat(5000)] {
            let secret = SecretString::from(secret);
            let text = ring.seal(&binding(), &secret).expect("sealed");
            assert!(text.starts_with("v1:") && text.is_ascii() && !text.contains(['\n', ' ']), "{text}");
            assert_eq!(ring.open(&binding(), &text).expect("opened").expose_secret(), secret.expose_secret());
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_text() {
        let (ring, secret) = (ring(), SecretString::from("hunter2"));
        assert_ne!(ring.seal(&binding(), &secret).expect("once"), ring.seal(&binding(), &secret).expect("twice"));
    }

    #[test]
    fn a_sealed_secret_opens_for_no_other_account_field_login_or_server() {
        let ring = ring();
        let text = ring.seal(&binding(), &SecretString::from("hunter2")).expect("sealed");
        let destinations = [
            server("mail.gmx.example", 587, "starttls"),
            server("mail.gmx.net", 465, "starttls"),
            server("mail.gmx.net", 587, "none"),
            Destination::Provider("mail.gmx.net".to_owned()),
            Destination::TokenEndpoint("mail.gmx.net".to_owned()),
        ];
        let mut others: Vec<Binding> =
            destinations.into_iter().map(|destination| Binding { destination, ..binding() }).collect();
        others.push(Binding { account: "eve@gmx.de".to_owned(), ..binding() });
        others.push(Binding { field: "refresh-token".to_owned(), ..binding() });
        others.push(Binding { login: "eve@gmx.de".to_owned(), ..binding() });
        for other in others {
            assert!(matches!(ring.open(&other, &text), Err(SealError::DoesNotFit { .. })), "{other:?}");
        }
    }

    #[test]
    fn octets_moved_from_one_part_of_the_binding_to_the_next_make_another_binding() {
        let moved = Binding { account: "anna@gmx.depass".to_owned(), field: "word".to_owned(), ..binding() };
        assert_ne!(moved.associated_data(), binding().associated_data());
    }

    #[test]
    fn case_and_a_final_dot_of_the_host_make_no_difference() {
        let ring = ring();
        let text = ring.seal(&binding(), &SecretString::from("hunter2")).expect("sealed");
        let same = Binding { destination: server("Mail.GMX.net.", 587, "starttls"), ..binding() };
        assert!(ring.open(&same, &text).is_ok());
    }

    #[test]
    fn a_changed_text_does_not_open_wherever_it_was_changed() {
        let ring = ring();
        let text = ring.seal(&binding(), &SecretString::from("hunter2")).expect("sealed");
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(ring.open(&binding(), &changed).is_err(), "octet {index}");
            assert!(ring.open(&binding(), &text[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn a_key_that_is_not_in_the_ring_is_named() {
        let text = ring().seal(&binding(), &SecretString::from("hunter2")).expect("sealed");
        let error = ring().open(&binding(), &text).expect_err("another ring");
        assert!(error.to_string().contains(&sealed_with(&text).expect("an id").to_string()), "{error}");
    }

    #[test]
    fn a_rotation_keeps_old_texts_readable_and_seals_them_once() {
        let old = ring();
        let text = old.seal(&binding(), &SecretString::from("hunter2")).expect("sealed");
        let both = old.with_new_key().expect("random octets");
        assert!(both.open(&binding(), &text).is_ok());
        let fresh = both.reseal(&binding(), &text).expect("opened").expect("another key");
        assert_eq!(both.reseal(&binding(), &fresh).expect("opened"), None);
        let new = both.without_old_keys();
        assert_eq!(new.open(&binding(), &fresh).expect("opened").expose_secret(), "hunter2");
        assert!(matches!(new.open(&binding(), &text), Err(SealError::UnknownKey { .. })));
    }
}
