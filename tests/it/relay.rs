//! `sendvia relay` as pipe(8) starts it, against the sandbox: every rule of the relay as an administrator knows it.

mod authorisation;
mod choice;
mod framing;
mod header_from;
mod nothing_lost;
mod provider;
mod secrecy;
