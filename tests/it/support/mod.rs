//! What the tests stand on.

pub(crate) mod oauth_server;
pub(crate) mod terminal;
