//! Private MTAs and servers, and what a customer's mail program does with them.

pub(crate) mod ca;
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod exim;
pub(crate) mod killer;
pub(crate) mod lab;
pub(crate) mod log;
pub(crate) mod mta;
pub(crate) mod postfix;
pub(crate) mod provider;
pub(crate) mod real;
pub(crate) mod sandbox;
pub(crate) mod service;
pub(crate) mod sink;
pub(crate) mod way;
