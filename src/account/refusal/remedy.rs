//! What a person can do about a refusal, and the page that it points to.

use crate::verdict::Meaning;

/// The remedy where a row has none of its own.
pub(super) fn of(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Delivered => "Nothing to do: the server agreed.",
        Meaning::HostRefused => {
            "The provider refuses this host's address, whoever logs in. Send by another route (`routes`), have the address taken off \
             the list that the reply names, or ask the provider's postmaster: `sendvia probe` writes the text."
        }
        Meaning::CredentialsRefused => {
            "Login or password is wrong, or the provider's SMTP access is not switched on for this account (GMX, web.de: settings, \
             POP3/IMAP). Store new credentials with `sendvia account set-secret`; sendvia does not log in again before, or before a \
             growing pause is over."
        }
        Meaning::AppPasswordNeeded => {
            "The provider wants an app password, OAuth 2.0, or the owner's consent on its pages; then store the new credentials."
        }
        Meaning::AccountLocked => {
            "The provider has locked the account: its owner must sign in on the provider's pages or ask its support. Then \
             `sendvia account reopen` ends the pause at once."
        }
        Meaning::TooManyLogins => {
            "Too many logins in a short time: sendvia waits. The resident service keeps sessions open and needs far fewer logins."
        }
        Meaning::QuotaExceeded => {
            "A sending limit is used up and clears by itself: the message waits in the MTA's queue. Set `limits` to stay under it."
        }
        Meaning::SenderNotAllowed => {
            "The provider takes only the account's own addresses as sender: send with the account's address, list it under \
             `identities` if the provider knows it as an alias, or set `header_from: rewrite` and `envelope_from: rewrite`."
        }
        Meaning::HeaderMalformed => {
            "A header field is missing, doubled or malformed: correct the program that wrote the message."
        }
        Meaning::RecipientUnknown => "The recipient does not exist or takes no mail: check the address.",
        Meaning::Spam => {
            "The provider refuses the message for its content: change text, links or attachments, or ask its postmaster."
        }
        Meaning::TooLarge => {
            "The message is over the provider's limit: send less, or a link in place of the attachment."
        }
        Meaning::Policy => "A rule of the provider's or the recipient's forbids this message; its text says which.",
        Meaning::ServerTrouble => {
            "The provider is in trouble, or the dialogue went wrong: the MTA's next try may pass."
        }
        Meaning::Unknown => "Not understood: the text above is all that the provider said.",
    }
}

/// The first address of a page in `text`.
pub(super) fn page_in(text: &str) -> Option<String> {
    let start = text.find("https://").or_else(|| text.find("http://"))?;
    let address: String = text[start..]
        .chars()
        .take_while(|c| !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | ')' | ']' | '('))
        .collect();
    let address = address.trim_end_matches(['.', ',', ';', ':', '\'']);
    (address.len() > "https://".len()).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_is_taken_without_the_punctuation_around_it() {
        let rows = [
            (
                "see https://support.google.com/mail/?p=BadCredentials x - gsmtp",
                Some("https://support.google.com/mail/?p=BadCredentials"),
            ),
            ("(see http://example.org/a.html).", Some("http://example.org/a.html")),
            ("nothing", None),
            ("https://", None),
        ];
        for (text, page) in rows {
            assert_eq!(page_in(text).as_deref(), page, "{text}");
        }
    }
}
