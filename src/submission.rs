//! The SMTP client that submits a message at the provider (RFC 6409), logged in as the account.
//!
//! - [`credentials`]: what an account logs in with.
//! - `sasl`: the choice of a mechanism, and what the client says in its exchange.

pub mod credentials;
#[allow(dead_code, reason = "the dialogue that uses it stands beside it")]
mod sasl;
