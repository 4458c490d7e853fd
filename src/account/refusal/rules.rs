//! What is known about replies: rows of data, the first that applies decides.
//!
//! A row describes a way of saying something, not one server's sentence: servers never seen say it alike. Where a
//! sentence can be read two ways, the order of the tables is the judgement: what says that the domain's own records
//! failed, that this host or the account is meant, or that a limit clears by itself, comes before what condemns the
//! message, and what condemns nothing comes last.

mod account;
mod content;
mod fallback;
mod family;
mod host;
mod login;
mod recipient;
mod sender;
mod server;

use super::rule::Rule;

/// The tables in the order in which they are asked.
pub(super) static TABLES: [&[Rule]; 13] = [
    family::ROWS,
    content::AUTHENTICATION_OF_DOMAINS,
    login::ROWS,
    host::ROWS,
    account::LOCKED,
    recipient::MAILBOX,
    content::SIZE,
    account::QUOTA,
    server::LATER,
    sender::ROWS,
    content::ROWS,
    recipient::ROWS,
    server::ROWS,
];

/// Asked when no words were understood: enhanced status code, then reply code and stage.
pub(super) use fallback::ROWS as FALLBACK;
