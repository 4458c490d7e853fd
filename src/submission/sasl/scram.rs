//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), the client's side.
//!
//! Ours rather than a library's, because the rounds of hashing that a server may ask for are bounded here: too few
//! would give the password away, too many would keep us from every other message. Login and password are taken as
//! they are, without SASLprep: it leaves ASCII alone, and whoever sets a password beyond ASCII mostly types NFC.

use super::{Octets, SaslError, joined};
use crate::wire::sasl::Mechanism;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// RFC 7677 section 4 wants at least 4096; a million takes a second or so.
const ITERATIONS: RangeInclusive<u32> = 4096..=1_000_000;

type Key = Zeroizing<[u8; 32]>;

/// What is said about binding to the TLS session (the GS2 header's flag, RFC 5802 section 6).
#[derive(Clone, Copy)]
pub(super) enum Binding {
    /// The client does not bind (`n`).
    Unused,
    /// The client would bind, but the server did not offer it (`y`). A server that did offer it then knows that
    /// somebody took the offer away.
    NotOffered,
    /// Bound by `tls-exporter` (RFC 9266).
    Exporter([u8; 32]),
}

/// One exchange as far as it has come.
pub(super) struct Scram {
    mechanism: Mechanism,
    binding: Binding,
    login: String,
    password: Zeroizing<String>,
    nonce: String,
    stage: Stage,
}

enum Stage {
    First,
    AwaitsServerFirst,
    /// Holds the signature by which the server will prove itself.
    AwaitsServerFinal(Key),
    Proven,
    /// The server said `e=`, or proved nothing.
    Failed,
}

/// server-first-message, as far as it matters: `r=` c-nonce s-nonce `,s=` salt `,i=` iteration-count.
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl Scram {
    pub(super) fn new(binding: Binding, login: &str, password: &str, nonce: String) -> Scram {
        let mechanism = match binding {
            Binding::Exporter(_) => Mechanism::ScramSha256Plus,
            Binding::Unused | Binding::NotOffered => Mechanism::ScramSha256,
        };
        // saslname (RFC 5802 section 7)
        let login = login.replace('=', "=3D").replace(',', "=2C");
        Scram { mechanism, binding, login, password: Zeroizing::new(password.to_owned()), nonce, stage: Stage::First }
    }

    /// client-first-message: `gs2-header client-first-message-bare`.
    pub(super) fn first(&mut self) -> Octets {
        self.stage = Stage::AwaitsServerFirst;
        joined(&[self.binding.header(), &self.first_bare()])
    }

    /// Answers the server's message; `Err` if the exchange cannot go on.
    pub(super) fn respond(&mut self, message: &[u8]) -> Result<Octets, SaslError> {
        let text = std::str::from_utf8(message).map_err(|_| self.malformed("not UTF-8"))?;
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::First if text.is_empty() => Ok(self.first()),
            Stage::AwaitsServerFirst => self.answer_first(text),
            Stage::AwaitsServerFinal(signature) => self.answer_final(text, &signature),
            Stage::First | Stage::Proven | Stage::Failed => Err(SaslError::Unexpected(self.mechanism)),
        }
    }

    /// The server said that it refuses (`e=`); whether the exchange had come so far that it may.
    pub(super) fn fail(&mut self) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed);
        matches!(stage, Stage::AwaitsServerFirst | Stage::AwaitsServerFinal(_))
    }

    /// Whether the server has proved that it knows the password.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.stage, Stage::Proven)
    }

    fn first_bare(&self) -> String {
        format!("n={},r={}", self.login, self.nonce)
    }

    /// client-final-message: `c=` channel-binding `,r=` nonce `,p=` proof.
    fn answer_first(&mut self, message: &str) -> Result<Octets, SaslError> {
        let first = self.parse_first(message)?;
        let without_proof = format!("c={},r={}", STANDARD.encode(self.binding.octets()), first.nonce);
        let signed = format!("{},{message},{without_proof}", self.first_bare());
        let salted = salted_password(self.password.as_bytes(), &first.salt, first.iterations);
        let proof = client_proof(&salted, signed.as_bytes());
        let server_key = hmac(&*salted, b"Server Key");
        self.stage = Stage::AwaitsServerFinal(hmac(&*server_key, signed.as_bytes()));
        Ok(joined(&[&without_proof, ",p=", &STANDARD.encode(*proof)]))
    }

    fn parse_first<'a>(&self, message: &'a str) -> Result<ServerFirst<'a>, SaslError> {
        let mut fields = message.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        // `m=` in front would be an extension that must be understood (RFC 5802 section 5.1).
        let nonce = field("r=").ok_or_else(|| self.malformed("no nonce comes first"))?;
        let salt = field("s=").and_then(|salt| STANDARD.decode(salt).ok()).filter(|salt| !salt.is_empty());
        let salt = salt.ok_or_else(|| self.malformed("no salt"))?;
        let iterations = field("i=").and_then(|count| count.parse().ok());
        let iterations = iterations.ok_or_else(|| self.malformed("no iteration count"))?;
        if nonce.strip_prefix(self.nonce.as_str()).is_none_or(str::is_empty) {
            return Err(self.malformed("its nonce does not continue ours"));
        }
        if !ITERATIONS.contains(&iterations) {
            return Err(SaslError::Iterations(iterations));
        }
        Ok(ServerFirst { nonce, salt, iterations })
    }

    /// server-final-message: `v=` signature.
    fn answer_final(&mut self, message: &str, expected: &Key) -> Result<Octets, SaslError> {
        let verifier = message.strip_prefix("v=").map(|rest| rest.split(',').next().unwrap_or(rest));
        let verifier = verifier.and_then(|verifier| STANDARD.decode(verifier).ok());
        let verifier = verifier.ok_or_else(|| self.malformed("no signature"))?;
        // Both sides of the comparison are known to the peer that is being tried: a plain comparison tells nothing
        // that it could use for another exchange, whose nonce differs.
        if verifier != expected.as_slice() {
            return Err(SaslError::Unproven);
        }
        self.stage = Stage::Proven;
        Ok(Octets::default())
    }

    fn malformed(&self, why: &'static str) -> SaslError {
        SaslError::Malformed(self.mechanism, why)
    }
}

impl Binding {
    /// gs2-header: `gs2-cbind-flag "," [ authzid ] ","`, without an authorisation identity.
    fn header(&self) -> &'static str {
        match self {
            Binding::Unused => "n,,",
            Binding::NotOffered => "y,,",
            Binding::Exporter(_) => "p=tls-exporter,,",
        }
    }

    /// cbind-input: the header and, where bound, the keying material.
    fn octets(&self) -> Vec<u8> {
        let mut octets = self.header().as_bytes().to_vec();
        if let Binding::Exporter(material) = self {
            octets.extend_from_slice(material);
        }
        octets
    }
}

/// Hi() of RFC 5802 section 2.2: PBKDF2 with HMAC and one block.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let keyed = Hmac::<Sha256>::new_from_slice(password).expect("HMAC takes a key of any length");
    let mut round = keyed.clone().chain_update(salt).chain_update(1u32.to_be_bytes()).finalize().into_bytes();
    let mut sum = Zeroizing::new(<[u8; 32]>::from(round));
    for _ in 1..iterations {
        round = keyed.clone().chain_update(round).finalize().into_bytes();
        sum.iter_mut().zip(round).for_each(|(sum, octet)| *sum ^= octet);
    }
    sum
}

/// ClientKey XOR HMAC(H(ClientKey), AuthMessage)
fn client_proof(salted_password: &Key, signed: &[u8]) -> Key {
    let mut proof = hmac(&**salted_password, b"Client Key");
    let stored = Sha256::digest(*proof);
    let signature = hmac(&stored, signed);
    proof.iter_mut().zip(signature.iter()).for_each(|(octet, other)| *octet ^= other);
    proof
}

fn hmac(key: &[u8], message: &[u8]) -> Key {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    Zeroizing::new(mac.chain_update(message).finalize().into_bytes().into())
}
