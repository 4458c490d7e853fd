//! Date fields (RFC 5322 section 3.3): whether one is valid, and what an invalid one means.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// Forms that programs write instead, without a zone.
const LOCAL_FORMS: [&str; 3] = ["%a %b %e %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S", "%d %b %Y %H:%M:%S"];

/// The instant of a date-time, obsolete forms included, where it is valid; a wrong day of the week is let pass.
pub(super) fn valid(text: &[u8]) -> Option<Timestamp> {
    DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()
}

/// What a date that is not valid is taken to mean: one with a foreign day name or a one-digit hour, ISO 8601, asctime.
/// Without a zone it is in UTC.
pub(super) fn meant(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let without_day = text.split_once(',').map_or(text, |(_, rest)| rest).trim();
    valid(without_day.as_bytes())
        .or_else(|| text.parse().ok())
        .or_else(|| LOCAL_FORMS.iter().find_map(|form| in_utc(form, text).or_else(|| in_utc(form, without_day))))
        .or_else(|| lenient(without_day))
}

fn in_utc(form: &str, text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime(form, text).ok()?;
    local.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn lenient(text: &str) -> Option<Timestamp> {
    let date = mail_parser::DateTime::parse_rfc822(text)?;
    let is_whole = date.is_valid() && date.year >= 1970 && text.contains(':');
    is_whole.then(|| Timestamp::from_second(date.to_timestamp()).ok()).flatten()
}

/// The instant at which the last hop took the message: the date of the first Received field.
pub(super) fn of_received(unfolded: &[u8]) -> Option<Timestamp> {
    let at = unfolded.iter().rposition(|octet| *octet == b';')?;
    valid(unfolded[at + 1..].trim_ascii())
}

/// `Tue, 24 Nov 2026 19:00:00 +0000`
pub(super) fn rfc5322(instant: Timestamp) -> String {
    instant.to_zoned_datetime(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_sent_are_judged_as_servers_do() {
        let rows = [
            ("Tue, 24 Nov 2026 19:00:00 +0000", "valid"),
            ("Mon, 24 Nov 2026 19:00:00 +0000", "valid"),
            ("24 Nov 2026 19:00 +0000", "valid"),
            ("Tue, 24 Nov 2026 20:00:00 +0100 (CET)", "valid"),
            ("Tue, 24 Nov 26 14:00:00 EST", "valid"),
            ("Di, 24 Nov 2026 19:00:00 +0000", "meant"),
            ("2026-11-24T20:00:00+01:00", "meant"),
            ("2026-11-24 19:00:00", "meant"),
            ("Tue Nov 24 19:00:00 2026", "meant"),
            ("Tue, 24 Nov 2026 19:00:00", "meant"),
            ("yesterday", "neither"),
            ("", "neither"),
            ("Tue, 99 Nov 2026 19:00:00 +0000", "neither"),
        ];
        for (text, expected) in rows {
            let (is_valid, is_meant) = (valid(text.as_bytes()), meant(text.as_bytes()));
            let found = match (is_valid, is_meant) {
                (Some(_), _) => "valid",
                (None, Some(_)) => "meant",
                (None, None) => "neither",
            };
            assert_eq!(found, expected, "{text}");
            if let Some(instant) = is_valid.or(is_meant) {
                assert_eq!(rfc5322(instant), "Tue, 24 Nov 2026 19:00:00 +0000", "{text}");
            }
        }
    }

    #[test]
    fn a_received_field_tells_its_date() {
        let received = b"from a by b; c with d id e; Tue, 24 Nov 2026 20:00:00 +0100 (CET)";
        assert_eq!(of_received(received).map(rfc5322).as_deref(), Some("Tue, 24 Nov 2026 19:00:00 +0000"));
        assert_eq!(of_received(b"from a by b"), None);
    }
}
