//! How an MTA talks to us, one file per protocol: framing, the MTA's parameters, what goes back. Nothing is decided about
//! a delivery here, and no protocol knows another.

mod exchange;
pub mod policy;

pub use exchange::{Exchange, Next, exchange};
