//! Fields that tell where the client was (`received: keep|mask|remove` and the like): a provider's spam filter reads
//! the customer's address in them, the very one that is refused.
//!
//! All of it is off unless asked for. Received fields count hops against loops, so masking keeps them and removing does
//! not. Whoever changes a signed field breaks the signature: see [`super::dkim`].

use super::Header;
use crate::wire::header::Field;
use crate::wire::header::token::{Kind, Token, tokens};

/// What to do with Received fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceivedPolicy {
    /// They stay.
    #[default]
    Keep,
    /// Each stays without its `from` clause, which names client, address and login.
    Mask,
    /// They are taken off.
    Remove,
}

/// What of the client is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Received.
    pub received: ReceivedPolicy,
    /// Whether fields with the client's address are taken off.
    pub remove_originating_ip: bool,
    /// Whether fields with the mail program's name are taken off.
    pub remove_user_agent: bool,
}

/// How many fields were changed or taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Received.
    pub received: usize,
    /// With the client's address.
    pub originating_ip: usize,
    /// With the mail program's name.
    pub user_agent: usize,
}

/// Fields in which web mailers and servers write the client's address.
const ORIGINATING_IP: [&str; 4] = ["X-Originating-IP", "X-Client-IP", "X-Sender-IP", "X-Remote-IP"];

/// Fields in which mail programs name themselves.
const USER_AGENT: [&str; 2] = ["User-Agent", "X-Mailer"];

/// Stands where a `from` clause stood; RFC 6761 reserves the domain.
const MASK: &[u8] = b" from client.invalid ";

/// Hides what `privacy` says.
pub fn hide_client(header: &mut Header, privacy: Privacy) -> Hidden {
    let received = match privacy.received {
        ReceivedPolicy::Keep => 0,
        ReceivedPolicy::Mask => header.replace(masked),
        ReceivedPolicy::Remove => header.remove("Received"),
    };
    let mut remove = |asked: bool, names: &[&str]| match asked {
        true => names.iter().map(|name| header.remove(name)).sum(),
        false => 0,
    };
    let originating_ip = remove(privacy.remove_originating_ip, &ORIGINATING_IP);
    Hidden { received, originating_ip, user_agent: remove(privacy.remove_user_agent, &USER_AGENT) }
}

/// A Received field that begins with `from`, without that clause; one that does not names no client.
fn masked(field: &Field) -> Option<Field> {
    let body = field.body();
    let (tokens, _) = tokens(body);
    let is_word = |token: &&Token, word: &str| body[token.span()].eq_ignore_ascii_case(word.as_bytes());
    let words = || tokens.iter().filter(|token| !token.is_cfws());
    if !field.is("Received") || !words().next().is_some_and(|first| is_word(&first, "from")) {
        return None;
    }
    // The clause ends at the next one, or at the date.
    let ends = |token: &&Token| is_word(token, "by") || token.kind == Kind::Special(b';');
    let end = words().skip(2).find(ends).map_or(body.len(), |token| token.start);
    Some(field.with_body(&[MASK, &body[end..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "Received: from [10.0.0.5] (host.example [198.51.100.42])\r\n\t(Authenticated sender: anna by x)\r\n\tby mx.example (Postfix) with ESMTPSA id 1; date\r\n\
                           Received: by mx.example (Postfix, from userid 1000)\r\n\tid 2; date\r\n\
                           X-Originating-IP: [198.51.100.42]\r\nUser-Agent: Thunderbird\r\nFrom: a@x\r\n";

    fn after(privacy: Privacy) -> (String, Hidden) {
        let (mut header, _) = Header::parse(SECTION.as_bytes());
        let hidden = hide_client(&mut header, privacy);
        (String::from_utf8(header.to_octets()).unwrap(), hidden)
    }

    #[test]
    fn nothing_is_hidden_unless_asked() {
        assert_eq!(after(Privacy::default()), (SECTION.to_owned(), Hidden::default()));
    }

    #[test]
    fn a_masked_field_tells_its_hop_but_not_the_client() {
        let (section, hidden) = after(Privacy { received: ReceivedPolicy::Mask, ..Privacy::default() });
        assert!(section.starts_with("Received: from client.invalid by mx.example (Postfix) with ESMTPSA id 1; date\r\nReceived: by mx.example (Postfix, from"), "{section}");
        assert_eq!(hidden.received, 1);
        for told in ["10.0.0.5", "host.example", "anna"] {
            assert!(!section.contains(told), "{section}");
        }
    }

    #[test]
    fn what_is_asked_for_is_taken_off() {
        let privacy =
            Privacy { received: ReceivedPolicy::Remove, remove_originating_ip: true, remove_user_agent: true };
        let hidden = Hidden { received: 2, originating_ip: 1, user_agent: 1 };
        assert_eq!(after(privacy), ("From: a@x\r\n".to_owned(), hidden));
    }
}
