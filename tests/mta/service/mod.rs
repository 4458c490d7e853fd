//! The resident service between real MTAs and a provider, by the files of `contrib/`: LMTP, the policy before the queue,
//! and the accounts as look-up tables.

mod exim;
mod postfix;

const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";

/// A message with lines that a careless hand on the way would change, and more header fields.
fn message(name: &str, from: &str, fields: &str) -> Vec<u8> {
    format!(
        "{fields}From: <{from}>\r\nTo: bob@example.org\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\
         Message-ID: <{name}@gmx.example>\r\nSubject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=\r\n\r\n\
         .dot\r\n..\r\n.\r\nFrom here\r\n trailing blanks  \r\n\r\n{}\r\n",
        "x".repeat(900)
    )
    .into_bytes()
}
