//! The replies that a dialogue gives by itself.

use super::terms::{Dialect, Terms};

/// Replies that wait to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies {
    octets: String,
}

impl Replies {
    /// One line; `text` begins with the enhanced status code where there is one.
    pub(super) fn line(&mut self, code: u16, text: &str) {
        self.ready_line(&format!("{code} {text}"));
    }

    /// A line that is complete but for its end.
    pub(super) fn ready_line(&mut self, line: &str) {
        self.octets.push_str(line);
        self.octets.push_str("\r\n");
    }

    /// The greeting of the server.
    pub(super) fn greeting(&mut self, terms: &Terms) {
        match terms.dialect {
            Dialect::Smtp => self.line(220, &format!("{} ESMTP sendvia", terms.host)),
            Dialect::Lmtp => self.line(220, &format!("{} LMTP sendvia", terms.host)),
            Dialect::Batch => {}
        }
    }

    /// What EHLO and LHLO are answered: every extension that is carried out.
    pub(super) fn extensions(&mut self, terms: &Terms) {
        let size = terms.max_size.map_or_else(|| "SIZE".to_owned(), |octets| format!("SIZE {octets}"));
        let mut lines = vec![terms.host.as_str(), "PIPELINING", &size, "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"];
        if terms.dialect == Dialect::Lmtp {
            lines.push("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
        }
        for line in lines {
            self.ready_line(&format!("250-{line}"));
        }
        self.line(250, "ENHANCEDSTATUSCODES");
    }

    /// All of them, in order.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.octets)
    }
}
