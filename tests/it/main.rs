//! Integration tests that need nothing but this crate: one target, so that it is linked once.

mod support;
mod tokens;
