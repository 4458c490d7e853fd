//! The one place where an outcome becomes an enhanced status code, an SMTP or LMTP reply, a sysexits code and a text.
//!
//! Upper modules map their errors into the closed [`Outcome`]; this module imports none of them. The rule above all:
//! only what the provider or the policy says about *this message* for good is permanent; everything that is ours, or
//! the account's, or the network's is transient, and the MTA tries again.

mod meaning;
mod outcome;
mod person;
mod status;

pub use meaning::{Disposition, Meaning};
pub use outcome::{Extension, Outcome, Stage};
pub use status::{ExitStatus, Verdict};
