//! Hosts and ports as mail programs write them.

use crate::account::{Server, TlsMode};

/// A port by number or by its service's name.
pub(super) fn port(text: &str) -> Option<u16> {
    match text {
        "smtp" => Some(25),
        "submission" => Some(587),
        "smtps" | "submissions" | "urd" => Some(465),
        number => number.parse().ok().filter(|port| *port != 0),
    }
}

/// Postfix's nexthop: `[host]:port`, `host:port`, `[host]`, `host`. Without brackets Postfix asks for the host's MX; an
/// address may stand as `[ipv6:..]`.
pub(super) fn nexthop(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(name) => Some(port(name)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let host = host.strip_prefix("ipv6:").or_else(|| host.strip_prefix("IPv6:")).unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
    is_host.then(|| (host.trim_end_matches('.').to_lowercase(), port))
}

/// A server with the protection that its port stands for; on this host itself a plain connection may have been meant.
pub(super) fn server(host: String, port: u16, tls: Option<TlsMode>) -> Server {
    Server { tls: tls.unwrap_or(TlsMode::of_port(port)), host, port }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nexthop_is_a_host_and_perhaps_a_port() {
        let rows = [
            ("[mail.gmx.net]:587", Some(("mail.gmx.net", Some(587)))),
            ("[Mail.GMX.net.]:submission", Some(("mail.gmx.net", Some(587)))),
            ("mail.gmx.net:smtps", Some(("mail.gmx.net", Some(465)))),
            ("[mail.gmx.net]", Some(("mail.gmx.net", None))),
            ("gmx.net", Some(("gmx.net", None))),
            ("[::1]:25", Some(("::1", Some(25)))),
            ("[ipv6:2001:db8::1]:25", Some(("2001:db8::1", Some(25)))),
            ("[mail.gmx.net", None),
            ("[mail.gmx.net]587", None),
            ("[mail.gmx.net]:nosuch", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(nexthop(text), expected, "{text}");
        }
    }
}
