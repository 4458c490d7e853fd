//! How long a reply asks to wait.

use super::words::Words;
use std::time::Duration;

/// The longest pause believed: nobody is kept waiting for a year by a typing error.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The span in a text such as "try again in 5 minutes" or "in 24 Stunden".
pub(super) fn asked_for(words: &Words) -> Option<Duration> {
    words.as_slice().windows(3).find_map(|three| {
        let [before, number, unit] = three else { return None };
        let leads = matches!(before.as_str(), "in" | "after" | "wait" | "for" | "within" | "nach" | "least" | "about");
        let seconds = number.parse::<u64>().ok()?.checked_mul(seconds_in(unit)?)?;
        leads.then(|| Duration::from_secs(seconds)).filter(|span| !span.is_zero() && *span <= LONGEST)
    })
}

fn seconds_in(unit: &str) -> Option<u64> {
    match unit {
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunde" | "sekunden" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" => Some(60),
        "h" | "hr" | "hrs" | "hour" | "hours" | "stunde" | "stunden" => Some(3600),
        "d" | "day" | "days" | "tag" | "tage" | "tagen" => Some(24 * 3600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_only_where_the_text_asks_to_wait() {
        let rows = [
            ("Greylisted, please try again in 300 seconds", Some(300)),
            ("Bitte versuchen Sie es in 2 Stunden erneut", Some(7200)),
            ("retry after 15 minutes", Some(900)),
            ("limit of 500 messages per 24 hours exceeded", None),
            ("wait for 99999999999999999999 days", None),
            ("in 400 days", None),
            ("later", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(asked_for(&Words::of(text.as_bytes())), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
