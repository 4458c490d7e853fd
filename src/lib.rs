//! sendvia relays a message through the sender's own provider account, for Postfix, Exim and the command line.
//!
//! Mail comes in at `mta`, is decided and carried out in [`relay`], and leaves at [`submission`]. Imports run
//! downwards only; `docs/concepts/house.md` has the picture.

pub mod account;
pub mod cli;
pub mod config;
pub mod fence;
pub mod log;
pub mod message;
pub mod metrics;
pub mod mta;
pub mod process;
pub mod reception;
pub mod relay;
pub mod sandbox;
pub mod secret;
pub mod setup;
pub mod state;
pub mod stdio;
pub mod submission;
pub mod verdict;
pub mod wire;
pub mod yaml;
