//! Without `-i` a line that is a lone dot ends the message, as it does in every sendmail.

/// Finds the lone dot over any chunk borders.
#[derive(Debug, Default)]
pub(super) struct LoneDot {
    is_inside_line: bool,
    /// The start of a line that may become a lone dot.
    held: Vec<u8>,
}

impl LoneDot {
    /// Appends what belongs to the message to `content`; whether the lone dot came.
    pub(super) fn push(&mut self, octets: &[u8], content: &mut Vec<u8>) -> bool {
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            if !self.is_inside_line {
                self.held.extend_from_slice(piece);
                match self.held.as_slice() {
                    b".\n" | b".\r\n" => {
                        self.held.clear();
                        return true;
                    }
                    b"." | b".\r" => continue,
                    _ => content.append(&mut self.held),
                }
            } else {
                content.extend_from_slice(piece);
            }
            self.is_inside_line = !piece.ends_with(b"\n");
        }
        false
    }

    /// What was held back where the input ended without a line end.
    pub(super) fn rest(self) -> Vec<u8> {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_is_a_dot_ends_the_message_however_it_is_cut() {
        let rows = [
            ("a\n.\nb\n", "a\n", true),
            ("a\r\n.\r\nb", "a\r\n", true),
            (".\n", "", true),
            ("a\n..\n.b\n. \nc.\n", "a\n..\n.b\n. \nc.\n", false),
            ("a\n.", "a\n.", false),
            ("a\n.\r", "a\n.\r", false),
            ("\n\n", "\n\n", false),
        ];
        for (input, expected, ends) in rows {
            for size in 1..=input.len() {
                let (mut dot, mut content) = (LoneDot::default(), Vec::new());
                let ended = input.as_bytes().chunks(size).any(|piece| dot.push(piece, &mut content));
                content.extend(dot.rest());
                assert_eq!((String::from_utf8(content).unwrap().as_str(), ended), (expected, ends), "{input:?} {size}");
            }
        }
    }
}
