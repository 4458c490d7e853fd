//! Secrets: how they are sealed at rest, where they come from, and how they are kept out of sight in memory.
//!
//! - [`sealed`]: a secret as text that opens only for its own account, login and server.
//! - [`key`]: the ring of keys that seal and open.
//! - [`source`]: where an account's secret comes from.
//! - [`commands`]: who runs commands that print secrets.
//! - [`custody`]: all that gets at it: key ring, kept tokens, token endpoints.
//! - [`oauth`], [`token`]: how OAuth 2.0 tokens are got, and how they are kept and renewed.
//! - [`http`], [`trust`]: HTTPS to token endpoints, and which certificate authorities are believed.
//! - [`private`]: files that only their owner may read.
//! - [`login_field`]: the signed header field that carries a login from an MTA to LMTP.
//! - [`memory`]: what keeps this process's memory from being dumped.
//!
//! A secret in memory is a [`SecretString`], which is wiped when it is dropped and shows nothing of itself. Nothing
//! here knows what an account is: whoever calls states the [`sealed::Binding`].

pub mod commands;
pub mod custody;
pub mod http;
pub mod key;
pub mod login_field;
pub mod memory;
pub mod oauth;
pub mod private;
pub mod sealed;
pub mod source;
pub mod token;
pub mod trust;
pub mod vault;

pub use secrecy::{ExposeSecret, SecretString};
pub use source::SecretSource;

/// Fills `octets` from the system's generator.
///
/// # Errors
/// What the system answered.
pub(crate) fn random(octets: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < octets.len() {
        match rustix::rand::getrandom(&mut octets[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
