//! Bytes to values and back: mailboxes, envelopes, replies, capabilities, command lines, netstrings, policy attributes,
//! header fields.
//!
//! Nothing here does I/O or knows tokio. Every parser has its ABNF above it and bounds what it accepts.

pub mod capability;
pub mod envelope;
pub mod header;
pub mod mailbox;
pub mod netstring;
pub mod policy;
pub mod reply;
pub mod reply_reader;
pub mod sasl;
pub mod smtp_command;
pub mod smtp_data;
pub mod socketmap;
pub mod text;
