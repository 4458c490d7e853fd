//! Access tokens: kept, renewed ahead of their end, by one process at a time.
//!
//! Whoever delivers asks [`TokenKeeper::access_token`]. A token that is good for long enough is opened and used. One that
//! ends soon is renewed by whoever gets the lock, and used by everybody else meanwhile. One that has ended is waited
//! for: the first process renews it, and all others find it in the store.
//!
//! A rotated refresh token is in the store, durably, before the access token that came with it is used; so a crash
//! leaves either the old pair or the new one. What the account's file holds is only the first refresh token: when the
//! administrator puts another one there, everything that descends from the old one is forgotten.

mod age;
mod error;
mod keeper;
mod store;

pub use error::TokenError;
pub use keeper::{TokenKeeper, TokenRequest};
pub use store::{Access, Lock, TokenFiles, TokenStore, Tokens, Trouble};
