//! Integration tests that need nothing but this crate, in one target so that they link once.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod dialogue;
mod docs;
mod fence;
mod hints;
mod house;
mod imports;
mod json;
mod keys;
mod lmtp;
mod logins;
mod map;
mod parsers;
mod policy;
mod pool;
mod probe;
mod refusals;
mod relay;
mod sendmail;
mod serve;
mod site;
mod steady;
mod submission;
mod support;
mod terminal;
mod tokens;
mod warm;
mod watching;
