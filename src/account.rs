//! What an account is, where accounts are kept, and what is known of the providers: presets and their replies.

pub mod refusal;
