//! What a provider counts. Where nothing is known there is no limit.

/// Limits of one account at a provider; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Messages within an hour.
    pub messages_per_hour: Option<u64>,
    /// Messages within a day.
    pub messages_per_day: Option<u64>,
    /// Recipients within an hour.
    pub recipients_per_hour: Option<u64>,
    /// Recipients within a day.
    pub recipients_per_day: Option<u64>,
    /// Recipients of one message.
    pub recipients_per_message: Option<u64>,
    /// Messages within a minute.
    pub messages_per_minute: Option<u64>,
    /// Logins within a minute.
    pub logins_per_minute: Option<u64>,
    /// Sessions at once.
    pub sessions: Option<u64>,
    /// Octets of one message.
    pub message_octets: Option<u64>,
}

impl Limits {
    /// Nothing is known.
    pub const NONE: Limits = Limits {
        messages_per_hour: None,
        messages_per_day: None,
        recipients_per_hour: None,
        recipients_per_day: None,
        recipients_per_message: None,
        messages_per_minute: None,
        logins_per_minute: None,
        sessions: None,
        message_octets: None,
    };

    /// These limits, and where they say nothing, `others`.
    #[must_use]
    pub fn or(self, others: Limits) -> Limits {
        Limits {
            messages_per_hour: self.messages_per_hour.or(others.messages_per_hour),
            messages_per_day: self.messages_per_day.or(others.messages_per_day),
            recipients_per_hour: self.recipients_per_hour.or(others.recipients_per_hour),
            recipients_per_day: self.recipients_per_day.or(others.recipients_per_day),
            recipients_per_message: self.recipients_per_message.or(others.recipients_per_message),
            messages_per_minute: self.messages_per_minute.or(others.messages_per_minute),
            logins_per_minute: self.logins_per_minute.or(others.logins_per_minute),
            sessions: self.sessions.or(others.sessions),
            message_octets: self.message_octets.or(others.message_octets),
        }
    }
}
