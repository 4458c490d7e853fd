//! Requests and answers of Postfix's socketmap (socketmap_table(5)), carried by netstrings.

use super::text::one_line;

/// The longest netstring either side takes: Postfix's own limit, in octets.
pub const MAX_SOCKETMAP: usize = 100_000;

/// `name SP key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketmapRequest<'a> {
    /// The map asked.
    pub map: &'a str,
    /// The key looked up; may hold spaces.
    pub key: &'a str,
}

/// What a look-up came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketmapReply {
    /// The key has this value.
    Ok(String),
    /// It has none.
    NotFound,
    /// Trouble here: ask again. Never an answer about the key.
    Temp(String),
    /// The question makes no sense: an unknown map.
    Perm(String),
}

impl<'a> SocketmapRequest<'a> {
    /// Reads a netstring's payload; `None` when it is not UTF-8 or has no map name.
    ///
    /// ```abnf
    /// request = name SP key
    /// ```
    pub fn parse(payload: &'a [u8]) -> Option<SocketmapRequest<'a>> {
        let (map, key) = std::str::from_utf8(payload).ok()?.split_once(' ')?;
        (!map.is_empty()).then_some(SocketmapRequest { map, key })
    }
}

impl SocketmapReply {
    /// The netstring's payload.
    pub fn to_payload(&self) -> Vec<u8> {
        let shown = |text: &str| one_line(text.as_bytes(), 1000);
        match self {
            SocketmapReply::Ok(value) => format!("OK {value}"),
            SocketmapReply::NotFound => "NOTFOUND ".to_owned(),
            SocketmapReply::Temp(reason) => format!("TEMP {}", shown(reason)),
            SocketmapReply::Perm(reason) => format!("PERM {}", shown(reason)),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_map_name_and_a_key() {
        type Row<'a> = (&'a [u8], Option<(&'a str, &'a str)>);
        let rows: &[Row<'_>] = &[
            (b"transport anna@gmx.de", Some(("transport", "anna@gmx.de"))),
            (b"login a b@x", Some(("login", "a b@x"))),
            (b"transport ", Some(("transport", ""))),
            (b"transport", None),
            (b" key", None),
            (b"", None),
            (b"transport \xff", None),
        ];
        for (payload, expected) in rows {
            let read = SocketmapRequest::parse(payload).map(|request| (request.map, request.key));
            assert_eq!(read, *expected, "{}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn trouble_is_told_on_one_line_and_never_as_an_answer() {
        assert_eq!(SocketmapReply::NotFound.to_payload(), b"NOTFOUND ");
        assert_eq!(SocketmapReply::Temp("disk\nfull".into()).to_payload(), b"TEMP disk full");
        assert_eq!(SocketmapReply::Ok("sendvia:".into()).to_payload(), b"OK sendvia:");
    }
}
