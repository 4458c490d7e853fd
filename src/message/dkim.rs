//! Which DKIM signatures (RFC 6376) a change breaks: said in the log, for the receiver will see them fail.

use super::Header;
use crate::wire::header::Field;
use std::collections::HashMap;

/// The signing domains (`d=`) whose signatures hold over `before` and no longer over `after`, by the fields they sign;
/// a changed body is not looked at. A signature that was taken off is not broken, but gone, and counts too.
///
/// Fields are compared by their octets: that a relaxed canonicalisation may forgive a change is not considered.
pub fn broken(before: &Header, after: &Header) -> Vec<String> {
    let signatures = before.find_all("DKIM-Signature");
    let is_gone = |signature: &Field| !after.find_all("DKIM-Signature").any(|field| field == signature);
    let broken = signatures.filter(|signature| {
        let signed = signed_fields(signature);
        is_gone(signature) || signed.iter().any(|(name, times)| last(before, name, *times) != last(after, name, *times))
    });
    broken.map(|signature| tag(signature, "d").unwrap_or_else(|| "?".to_owned())).collect()
}

/// The signing domain of every signature: what a changed body breaks.
pub fn domains(header: &Header) -> Vec<String> {
    header.find_all("DKIM-Signature").map(|field| tag(field, "d").unwrap_or_else(|| "?".to_owned())).collect()
}

/// The names in `h=`, each with how often it stands there.
fn signed_fields(signature: &Field) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for name in tag(signature, "h").unwrap_or_default().split(':').map(str::trim).filter(|name| !name.is_empty()) {
        *names.entry(name.to_ascii_lowercase()).or_insert(0) += 1;
    }
    names
}

/// The instances that a name covers that stands `times` times in `h=`: from the last one upwards (section 5.4.2).
/// Fewer than `times`, if there are no more: then one that is added breaks the signature.
fn last<'a>(header: &'a Header, name: &'a str, times: usize) -> Vec<&'a Field> {
    header.find_all(name).rev().take(times).collect()
}

/// The value of one `tag=value` pair, white space taken out.
fn tag(signature: &Field, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&signature.unfolded()).into_owned();
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.trim() == name)?;
    Some(value.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "Received: a\r\nReceived: b\r\nDKIM-Signature: v=1; d=gmx.example;\r\n h=From:Received:to\r\n\t:Cc; b=x=;\r\n\
                          From: a@x\r\nTo: b@x\r\n";

    #[test]
    fn a_change_of_what_is_signed_breaks_the_signature() {
        type Change = fn(&mut Header);
        let rows: [(&str, Change, bool); 7] = [
            ("nothing", |_| {}, false),
            ("an unsigned field", |header| header.append(Field::new("X", b"1")), false),
            ("a signed field", |header| header.set(Field::new("To", b"c@x")), true),
            ("a signed field that was not there", |header| header.append(Field::new("Cc", b"c@x")), true),
            ("another instance than the last", |header| header.set(Field::new("Received", b"c")), false),
            (
                "all instances",
                |header| {
                    header.remove("Received");
                },
                true,
            ),
            (
                "the signature",
                |header| {
                    header.remove("DKIM-Signature");
                },
                true,
            ),
        ];
        let (before, _) = Header::parse(SIGNED.as_bytes());
        for (what, change, breaks) in rows {
            let mut after = before.clone();
            change(&mut after);
            let expected: &[&str] = if breaks { &["gmx.example"] } else { &[] };
            assert_eq!(broken(&before, &after), expected, "{what}");
        }
        assert_eq!(domains(&before), ["gmx.example"]);
    }
}
