//! The path of a message through the MTAs people run: a private Postfix and a private Exim, set up with the very files
//! in `contrib/`, in front of the sandbox and of real submission servers.
//!
//! `tests/install-peers` brings what is needed; a peer that is missing is a failure, never a skipped test. Each test
//! has its own MTA in its own directory, on its own loopback address, and waits for log lines instead of sleeping.

mod blocks;
mod discover;
mod doctor;
mod hard_day;
mod imports;
mod killed;
mod packaging;
mod path;
mod providers;
mod recipes;
mod servers;
mod service;
mod setup;
mod stand_in;
mod support;
