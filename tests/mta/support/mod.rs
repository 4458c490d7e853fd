//! Private MTAs and servers, and what a customer's mail program does with them.

pub(crate) mod ca;
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod dns;
pub(crate) mod exim;
pub(crate) mod exim_provider;
pub(crate) mod killer;
pub(crate) mod lab;
pub(crate) mod log;
pub(crate) mod mta;
pub(crate) mod postfix;
pub(crate) mod provider;
pub(crate) mod python;
pub(crate) mod real;
pub(crate) mod sandbox;
pub(crate) mod service;
pub(crate) mod sink;
#[path = "../../it/support/terminal.rs"]
pub(crate) mod terminal;
pub(crate) mod way;
pub(crate) mod web;
