//! What GMX looks at in a header section, judged apart from sendvia's own reading of it.

use mail_parser::MessageParser;

/// Fields that may stand at most once and must be plain ASCII.
const SINGLE: [&str; 6] = ["date", "from", "sender", "to", "cc", "subject"];
/// Fields that must be there.
const REQUIRED: [&str; 3] = ["date", "from", "to"];

/// Why GMX would refuse this header section, if it would.
pub(super) fn problem(section: &[u8]) -> Option<String> {
    let fields = fields(section);
    let named = |name: &'static str| fields.iter().filter(move |(field, _)| field == name);
    for name in SINGLE {
        match named(name).count() {
            0 if REQUIRED.contains(&name) => return Some(format!("no {name} field")),
            2.. => return Some(format!("more than one {name} field")),
            _ => {}
        }
        if named(name).any(|(_, value)| value.trim_ascii().is_empty()) {
            return Some(format!("an empty {name} field"));
        }
        if named(name).any(|(_, value)| !value.is_ascii()) {
            return Some(format!("octets outside ASCII in the {name} field"));
        }
    }
    None
}

/// Whether header From is `login`, the only address in it; of a login without a domain, the local-part is compared.
pub(super) fn is_from(section: &[u8], login: &str) -> bool {
    let Some(message) = MessageParser::default().parse(section) else {
        return false;
    };
    let addresses: Vec<String> = message
        .from()
        .map(|from| from.iter().filter_map(|entry| entry.address.as_deref()).map(str::to_lowercase).collect())
        .unwrap_or_default();
    let [address] = addresses.as_slice() else {
        return false;
    };
    let compared = if login.contains('@') { address.as_str() } else { address.split('@').next().unwrap_or_default() };
    compared == login.to_lowercase()
}

/// Names in lower case, and values with their continuation lines.
fn fields(section: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for line in section.split(|octet| *octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some((_, value))) => value.extend_from_slice(line),
            _ => {
                if let Some(colon) = line.iter().position(|octet| *octet == b':') {
                    let name = String::from_utf8_lossy(line[..colon].trim_ascii_end()).to_ascii_lowercase();
                    fields.push((name, line[colon + 1..].to_vec()));
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nFrom: Anna <anna@gmx.de>\r\nTo: b@x.example\r\n";

    #[test]
    fn a_header_that_gmx_refuses_is_told_with_its_reason() {
        let rows = [
            (GOOD.to_owned(), None),
            (GOOD.replace("Date", "X-Date"), Some("no date field")),
            (GOOD.replace("To: b@x.example", "To: "), Some("an empty to field")),
            (format!("{GOOD}From: b@x.example\r\n"), Some("more than one from field")),
            (GOOD.replace("Anna", "Änna"), Some("octets outside ASCII in the from field")),
            (GOOD.replace("To: b", "To:\r\n b"), None),
        ];
        for (section, expected) in rows {
            assert_eq!(problem(section.as_bytes()).as_deref(), expected, "{section}");
        }
    }

    #[test]
    fn header_from_is_the_login_only_if_it_is_the_only_address() {
        let rows = [
            ("From: Anna <Anna@GMX.de>\r\n", "anna@gmx.de", true),
            ("From: anna@gmx.de\r\n", "anna", true),
            ("From: anna@gmx.de, b@x.example\r\n", "anna@gmx.de", false),
            ("From: \"anna@gmx.de\" <b@x.example>\r\n", "anna@gmx.de", false),
            ("Subject: anna@gmx.de\r\n", "anna@gmx.de", false),
        ];
        for (section, login, expected) in rows {
            assert_eq!(is_from(section.as_bytes(), login), expected, "{section}");
        }
    }
}
