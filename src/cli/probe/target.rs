//! Which servers are looked at.

use crate::account::preset::Presets;
use crate::submission::Protection;
use crate::yaml::nearest;

/// Submission, and the port for mail servers, which some providers take submissions on.
const PORTS: [u16; 3] = [25, 465, 587];

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The provider's name, or the host.
    pub(super) name: String,
    /// Its servers.
    pub(super) hosts: Vec<String>,
    /// The ports to look at.
    pub(super) ports: Vec<u16>,
    /// The provider's page for people who set up a mail program.
    pub(super) page: Option<String>,
}

impl Target {
    /// `PROVIDER`, `HOST`, `HOST:PORT`, `[IPv6]:PORT`.
    pub(super) fn parse(text: &str, presets: &Presets) -> Result<Target, String> {
        if let Some(preset) = presets.find(text) {
            let mut hosts: Vec<String> = preset.submission.iter().map(|server| server.host.clone()).collect();
            hosts.dedup();
            return Ok(Target { name: preset.name, hosts, ports: PORTS.to_vec(), page: preset.page });
        }
        let (host, port) = split(text)?;
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
        if !is_host {
            return Err(format!("{text:?} is neither a provider nor a host"));
        }
        let preset = presets.of_host(host);
        let ports = port.map_or(PORTS.to_vec(), |port| vec![port]);
        let name = preset.as_ref().map_or(host, |preset| preset.name.as_str()).to_owned();
        Ok(Target { name, hosts: vec![host.to_owned()], ports, page: preset.and_then(|preset| preset.page) })
    }
}

/// The provider that was meant by a bare word, which is hardly a host.
pub(super) fn meant(text: &str, presets: &Presets) -> Option<String> {
    if text.contains(['.', ':']) || presets.find(text).is_some() {
        return None;
    }
    let names: Vec<String> = presets.all().into_iter().map(|preset| preset.name).collect();
    nearest(text, names.iter().map(String::as_str)).map(str::to_owned)
}

fn split(text: &str) -> Result<(&str, Option<u16>), String> {
    let port = |digits: &str| digits.parse().map_err(|_| format!("{digits:?} is no port"));
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, Some(port(digits)?))),
            None => Ok((host, None)),
        };
    }
    match text.split_once(':') {
        Some((host, digits)) if !digits.contains(':') => Ok((host, Some(port(digits)?))),
        _ => Ok((text, None)),
    }
}

/// How TLS begins at this port; where that is not known, implicit TLS is tried first.
pub(super) fn protections(port: u16) -> &'static [Protection] {
    match port {
        465 => &[Protection::Implicit],
        25 | 587 => &[Protection::StartTls],
        _ => &[Protection::Implicit, Protection::StartTls],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_provider_is_no_host() {
        let rows =
            [("gmxx", Some("gmx")), ("GMX", None), ("gmxx:587", None), ("gmx.example", None), ("localhost", None)];
        for (text, expected) in rows {
            assert_eq!(meant(text, &Presets::default()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_target_is_a_provider_by_any_of_its_names_or_a_host() {
        type Expected<'a> = Option<(&'a str, &'a str, &'a [u16])>;
        let rows: [(&str, Expected<'_>); 8] = [
            ("gmx", Some(("gmx", "mail.gmx.net", &[25, 465, 587]))),
            ("GoogleMail", Some(("gmail", "smtp.gmail.com", &[25, 465, 587]))),
            ("mail.gmx.net:587", Some(("gmx", "mail.gmx.net", &[587]))),
            ("mail.example.org", Some(("mail.example.org", "mail.example.org", &[25, 465, 587]))),
            ("[2001:db8::1]:2525", Some(("2001:db8::1", "2001:db8::1", &[2525]))),
            ("2001:db8::1", Some(("2001:db8::1", "2001:db8::1", &[25, 465, 587]))),
            ("mail.example.org:smtp", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let target = Target::parse(text, &Presets::default()).ok();
            let seen = target.as_ref().map(|one| (one.name.as_str(), one.hosts[0].as_str(), one.ports.as_slice()));
            assert_eq!(seen, expected, "{text}");
        }
    }
}
