//! Whether a header section needs SMTPUTF8 (RFC 6531).

use super::Header;
use super::repair::ADDRESS_FIELDS;
use crate::wire::header::address::AddressList;

/// Whether an address stands in the header section that has no form in ASCII: a local-part outside ASCII, that is, for
/// [`super::repair`] gives names their encoded words and domains their A-labels. Raw text in other fields is as old as
/// 8-bit mail and goes without.
pub fn needs_smtputf8(header: &Header) -> bool {
    let fields = header.iter().filter(|field| field.is_eight_bit() && ADDRESS_FIELDS.iter().any(|name| field.is(name)));
    fields.into_iter().any(|field| {
        let body = field.body();
        let list = AddressList::parse(body);
        list.addresses().filter(|address| !address.is_word()).any(|address| {
            let mailbox = address.mailbox().map(|mailbox| mailbox.with_ascii_domain());
            mailbox.map_or(!body[address.addr_spec.clone()].is_ascii(), |mailbox| mailbox.is_internationalized())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_without_an_ascii_form_needs_it() {
        let rows: &[(&[u8], bool)] = &[
            ("From: Müller <m@x.example>\r\nSubject: ü\r\n".as_bytes(), false),
            ("From: m@bücher.example\r\n".as_bytes(), false),
            ("To: x@y.example, müller@x.example\r\n".as_bytes(), true),
            ("Cc: T: müller@bücher.example;\r\n".as_bytes(), true),
            ("X-To: müller@x.example\r\n".as_bytes(), false),
            (b"To: m\xfcller@x.example\r\n", true),
        ];
        for (section, needed) in rows {
            assert_eq!(needs_smtputf8(&Header::parse(section).0), *needed, "{}", String::from_utf8_lossy(section));
        }
    }
}
