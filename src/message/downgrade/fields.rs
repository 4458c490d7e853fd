//! Header fields in ASCII: encoded words, and extended parameters where a media type or a disposition has raw ones.

use super::super::Header;
use super::super::encoded_word::Encoder;
use super::super::repair::{encode_addresses, encoder};
use crate::wire::header::Field;
use crate::wire::header::token::{Kind, Token, tokens};

/// Fields made of a value and parameters.
const PARAMETERS: [&str; 2] = ["Content-Type", "Content-Disposition"];

/// Leaves no octet outside ASCII in any field body.
pub(super) fn to_ascii(header: &mut Header) {
    if !header.is_eight_bit() {
        return;
    }
    encode_addresses(header);
    let encoder = encoder(header);
    header.replace(|field| {
        let has_parameters = PARAMETERS.iter().any(|name| field.is(name));
        field.is_eight_bit().then(|| match has_parameters {
            true => with_extended_parameters(field, &encoder),
            false => field.with_body(&encoder.text(field.body())),
        })
    });
}

/// `name="Müller.pdf"` as `name*=utf-8''M%C3%BCller.pdf` (RFC 2231 section 4).
fn with_extended_parameters(field: &Field, encoder: &Encoder) -> Field {
    let body = field.body();
    let mut out = Vec::with_capacity(body.len() * 2);
    for token in tokens(body).0 {
        let octets = &body[token.span()];
        match (octets.is_ascii(), token.kind) {
            (true, _) => out.extend_from_slice(octets),
            (false, Kind::Comment) => out.extend(encoder.comment(octets)),
            (false, _) => extend(&mut out, token, octets, encoder),
        }
    }
    field.with_body(&out)
}

/// A value outside ASCII, behind `name=` in the same token or in `out`.
fn extend(out: &mut Vec<u8>, token: Token, octets: &[u8], encoder: &Encoder) {
    let value = match octets.iter().position(|octet| *octet == b'=') {
        _ if token.kind == Kind::Quoted => &octets[1..octets.len() - 1],
        Some(equals) if octets[..equals].is_ascii() => {
            out.extend_from_slice(&octets[..=equals]);
            &octets[equals + 1..]
        }
        Some(_) | None => octets,
    };
    let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    let is_parameter = out.strip_suffix(b"=").and_then(<[u8]>::last).is_some_and(is_name) && out.is_ascii();
    if !is_parameter {
        out.extend(octets.iter().map(|octet| if octet.is_ascii() { *octet } else { b'?' }));
        return;
    }
    out.pop();
    let unescaped: Vec<u8> = value.iter().copied().filter(|octet| !b"\\\r\n".contains(octet)).collect();
    out.extend_from_slice(format!("*={}''", encoder.charset(&unescaped)).as_bytes());
    for octet in unescaped {
        match octet {
            b'.' | b'-' | b'_' => out.push(octet),
            _ if octet.is_ascii_alphanumeric() => out.push(octet),
            _ => out.extend_from_slice(format!("%{octet:02X}").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_says_the_same_in_ascii() {
        let rows: &[(&[u8], &str)] = &[
            (
                "Subject: Grüße aus =?utf-8?Q?x?= Köln\r\n".as_bytes(),
                "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_?= =?utf-8?Q?x?= =?utf-8?Q?_K=C3=B6ln?=\r\n",
            ),
            ("From: ß <a@x>\r\n".as_bytes(), "From: =?utf-8?Q?=C3=9F?= <a@x>\r\n"),
            (b"Subject: Gr\xfc\xdfe\r\n", "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n"),
            (
                "Content-Type: application/pdf; name=\"Mü \\\"x.pdf\"\r\n".as_bytes(),
                "Content-Type: application/pdf; name*=utf-8''M%C3%BC%20%22x.pdf\r\n",
            ),
            (
                "Content-Disposition: attachment; filename=ü.pdf; size=1\r\n".as_bytes(),
                "Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf; size=1\r\n",
            ),
            ("Content-Type: text/plain; ü (ß)\r\n".as_bytes(), "Content-Type: text/plain; ?? (=?utf-8?Q?=C3=9F?=)\r\n"),
            ("To: müller@x\r\n".as_bytes(), "To: =?utf-8?Q?m=C3=BCller=40x?=\r\n"),
        ];
        for (before, after) in rows {
            let (mut header, _) = Header::parse(before);
            to_ascii(&mut header);
            assert_eq!(String::from_utf8_lossy(&header.to_octets()), *after);
        }
    }
}
