//! CRAM-MD5 (RFC 2195): a login and the keyed hash of what the server asks with.

use super::{Octets, joined};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

/// `login SP hex`, the keyed MD5 of the challenge with the password as its key.
pub(super) fn response(login: &str, password: &str, challenge: &[u8]) -> Octets {
    let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(challenge);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    joined(&[login, " ", &hex])
}
