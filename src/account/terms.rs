//! What a provider demands of a message, and what is done about it.

/// What happens to a message whose header From is not the account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderFromRule {
    /// `require`: it is refused, before any connection.
    #[default]
    Require,
    /// `rewrite`: the account's address is put in.
    Rewrite,
    /// `accept`: it goes out as it is; the provider looks.
    Accept,
}

/// What happens to a reverse-path that is not the account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnvelopeFromRule {
    /// `keep`: it goes out as it is.
    #[default]
    Keep,
    /// `rewrite`: the account's address is put into MAIL FROM.
    Rewrite,
}

/// What happens to fields that tell where the customer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Received {
    /// `keep`: nothing.
    #[default]
    Keep,
    /// `mask`: addresses and host names in them are replaced.
    Mask,
    /// `remove`: they are taken out.
    Remove,
}

/// What happens to fields in which mail programs name themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserAgent {
    /// `keep`: nothing.
    #[default]
    Keep,
    /// `remove`: they are taken out.
    Remove,
}

/// The words of the configuration.
pub const HEADER_FROM_RULES: [(&str, HeaderFromRule); 3] =
    [("require", HeaderFromRule::Require), ("rewrite", HeaderFromRule::Rewrite), ("accept", HeaderFromRule::Accept)];

/// The words of the configuration.
pub const ENVELOPE_FROM_RULES: [(&str, EnvelopeFromRule); 2] =
    [("keep", EnvelopeFromRule::Keep), ("rewrite", EnvelopeFromRule::Rewrite)];

/// The words of the configuration.
pub const RECEIVED: [(&str, Received); 3] =
    [("keep", Received::Keep), ("mask", Received::Mask), ("remove", Received::Remove)];

/// The words of the configuration.
pub const USER_AGENT: [(&str, UserAgent); 2] = [("keep", UserAgent::Keep), ("remove", UserAgent::Remove)];
