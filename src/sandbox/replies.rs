//! What the server says: GMX's words, as its captures show them.

use super::Extensions;
use super::rule::Stage;
use crate::wire::reply::Reply;
use std::net::IpAddr;

/// A reply of several lines.
pub(super) fn lines(code: u16, lines: &[&str]) -> Reply {
    Reply { code, lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect() }
}

/// Done.
pub(super) fn okay() -> Reply {
    Reply::new(250, "Requested mail action okay, completed")
}

/// The greeting.
pub(super) fn greeting() -> Reply {
    Reply::new(220, "gmx.net (sandbox) Nemesis ESMTP Service ready")
}

/// The greeting to an address on a block list.
pub(super) fn block_listed(client: IpAddr) -> Reply {
    let explanation =
        format!("For explanation visit https://postmaster.gmx.net/en/case?c=r0201&i=ip&v={client}&r=sandbox");
    lines(
        554,
        &[
            "gmx.net (sandbox) Nemesis ESMTP Service not available",
            "No SMTP service",
            "IP address is block listed.",
            &explanation,
        ],
    )
}

/// The refusal of a message for its header.
pub(super) fn header_refused(client: IpAddr) -> Reply {
    let explanation = format!("For explanation visit https://postmaster.gmx.net/en/error-messages?ip={client}&c=hi");
    lines(554, &["Transaction failed", "Reject due to policy restrictions.", &explanation])
}

/// The used-up sending limit, which blames the mailbox.
pub(super) fn quota() -> Reply {
    lines(550, &["Requested action not taken: mailbox unavailable", "Failure sending mail. Try again later"])
}

/// The reply in octets; with an enhanced status code in front of each line where those are offered and none is there, but
/// for the greeting and the reply to EHLO (RFC 2034 section 3).
pub(super) fn octets(stage: Stage, reply: &Reply, extensions: Extensions) -> Vec<u8> {
    let mut octets = Vec::new();
    let takes_status = !matches!(stage, Stage::Banner | Stage::Ehlo) && matches!(reply.code / 100, 2 | 4 | 5);
    let wants_status = extensions.enhanced_status_codes && takes_status;
    let bare = wants_status && reply.enhanced_status().is_none();
    for (index, line) in reply.lines.iter().enumerate() {
        let separator = if index + 1 == reply.lines.len() { ' ' } else { '-' };
        octets.extend_from_slice(format!("{:03}{separator}", reply.code).as_bytes());
        if bare {
            octets.extend_from_slice(format!("{}.0.0 ", reply.code / 100).as_bytes());
        }
        octets.extend_from_slice(line);
        octets.extend_from_slice(b"\r\n");
    }
    octets
}
