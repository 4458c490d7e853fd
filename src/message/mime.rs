//! Content-Type and its parameters (RFC 2045 section 5.1, RFC 2231), as far as conversion and charsets need them.

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// `type/subtype`, in lower case.
    media_type: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// Reads an unfolded field body; what can't be read is left out.
    ///
    /// ```abnf
    /// content   = type "/" subtype *( ";" parameter )
    /// parameter = attribute "=" ( token / quoted-string )
    /// ```
    pub fn parse(body: &[u8]) -> ContentType {
        let text = String::from_utf8_lossy(body);
        let mut pieces = split_outside_quotes(&text).into_iter();
        let media_type = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        ContentType { media_type, parameters: pieces.filter_map(|piece| parameter(&piece)).collect() }
    }

    /// The media type, in lower case.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Whether it is of this type, as in `multipart`.
    pub fn is(&self, main: &str) -> bool {
        self.media_type.split_once('/').is_some_and(|(found, _)| found == main)
    }

    /// The first parameter of this name, unquoted.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn parameter(piece: &str) -> Option<(String, String)> {
    let (name, value) = piece.split_once('=')?;
    let value = value.trim();
    let unquoted = match value.strip_prefix('"') {
        Some(rest) => quoted_value(rest),
        None => value.split_whitespace().next().unwrap_or_default().to_owned(),
    };
    Some((name.trim().to_ascii_lowercase(), unquoted))
}

fn quoted_value(rest: &str) -> String {
    let (mut value, mut escaped) = (String::new(), false);
    for character in rest.chars() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => break,
            _ => value.push(character),
        }
    }
    value
}

/// The pieces between semicolons, comments left out.
fn split_outside_quotes(text: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    for character in text.chars() {
        let is_escaped = std::mem::take(&mut escaped);
        match character {
            _ if is_escaped => {}
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            ';' if !quoted && depth == 0 => {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            piece.push(character);
        }
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_and_parameters_are_read_as_they_are_written() {
        let rows = [
            ("text/plain; charset=utf-8", "text/plain", "charset", Some("utf-8")),
            ("TEXT/PLAIN (c;d); Charset=\"iso-8859-1\"; format=flowed", "text/plain", "charset", Some("iso-8859-1")),
            ("multipart/mixed; boundary=\"a;b \\\"c\"", "multipart/mixed", "boundary", Some("a;b \"c")),
            ("multipart/mixed; boundary==_x=y", "multipart/mixed", "boundary", Some("=_x=y")),
            ("text/plain", "text/plain", "charset", None),
            ("", "", "charset", None),
        ];
        for (body, media_type, name, value) in rows {
            let read = ContentType::parse(body.as_bytes());
            assert_eq!((read.media_type(), read.parameter(name)), (media_type, value), "{body}");
        }
        assert!(ContentType::parse(b"multipart/signed").is("multipart"));
    }
}
