//! The resident service between real MTAs and a provider, by the files of `contrib/`: LMTP, the policy before the queue,
//! and the accounts as look-up tables.

mod exim;
mod postfix;

use crate::support::lab::Lab;
use crate::support::provider::ANNA;
use crate::support::sandbox::SandboxProvider;
use crate::support::service::{account, configure};
use crate::support::sink::Sink;

/// A host with a configuration of `contrib/` for the service, Anna's account, and the sandbox as her provider.
struct Site {
    lab: Lab,
    world: Sink,
    provider: SandboxProvider,
}

impl Site {
    /// `installed` is where `contrib/` has the sockets, `sockets` where they are in the lab; the rest as in [`configure`].
    fn new(yaml: &str, installed: &str, sockets: &str, group: &str, key: &str) -> Self {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        configure(&lab, yaml, &provider, installed, sockets, group, key);
        account(&lab, ANNA, &provider);
        Self { lab, world: Sink::start(), provider }
    }
}

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
