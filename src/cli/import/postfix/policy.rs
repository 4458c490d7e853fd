//! How Postfix protects sessions: `smtp_tls_wrappermode`, `smtp_tls_security_level`, `smtp_tls_policy_maps`.

use super::maps::{Map, Postfix, find_first};
use crate::account::TlsMode;
use std::net::IpAddr;

/// What Postfix is told of TLS.
pub(super) struct Policy {
    pub(super) wrapper_mode: bool,
    pub(super) level: String,
    pub(super) maps: Vec<Map>,
}

/// What becomes of it here.
pub(super) struct Protection {
    /// `None`: what the port stands for.
    pub(super) tls: Option<TlsMode>,
    pub(super) note: Option<String>,
}

impl Policy {
    /// The protection of sessions to `host`, which Postfix calls `nexthop`.
    pub(super) fn of(&self, postfix: &Postfix, host: &str, nexthop: &str, port: Option<u16>) -> Protection {
        let entry = find_first(postfix, &self.maps, &[nexthop.to_owned(), host.to_owned()]);
        let level =
            entry.as_ref().map_or(self.level.as_str(), |entry| entry.value.split_whitespace().next().unwrap_or(""));
        let is_plain = matches!(level, "none" | "may" | "");
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let tls = match (self.wrapper_mode, is_plain && is_here) {
            (true, _) => Some(TlsMode::Implicit),
            (false, true) => Some(TlsMode::None),
            (false, false) => None,
        };
        let note = match level {
            _ if is_here || port == Some(465) || self.wrapper_mode => None,
            "none" | "may" | "" => {
                Some(format!("{nexthop}: Postfix may send the password without TLS; sendvia demands TLS"))
            }
            "encrypt" => Some(format!("{nexthop}: Postfix does not look at the certificate; sendvia does")),
            "fingerprint" | "dane" | "dane-only" => Some(format!(
                "{nexthop}: `{level}` is not taken over; sendvia checks the certificate's name and issuer"
            )),
            _ => None,
        };
        Protection { tls, note }
    }
}
