//! Providers: where they take submissions, what they demand, and where that is written.
//!
//! The built-in ones are rows in [`rows`]; a site's own stand in the configuration under `providers` and go before
//! built-in ones of the same name.

mod limits;
mod read;
mod rows;

pub use limits::Limits;
pub(crate) use read::{read as read_site_preset, read_limits, read_mechanisms, read_submission};

use super::server::Server;
use super::terms::{EnvelopeFromRule, HeaderFromRule};
use crate::wire::sasl::Mechanism;

/// A provider, built in or the site's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preset {
    /// The name in `provider:`.
    pub name: String,
    /// Other names that people use.
    pub aliases: Vec<String>,
    /// The domains of its customers' addresses.
    pub domains: Vec<String>,
    /// Hosts that take mail for domains hosted there (MX), as ends of host names.
    pub mx: Vec<String>,
    /// Where it takes submissions, the best first.
    pub submission: Vec<Server>,
    /// The SASL mechanisms to use, if not all that it offers.
    pub mechanisms: Option<Vec<Mechanism>>,
    /// What it demands of the header From.
    pub header_from: HeaderFromRule,
    /// What it demands of the reverse-path.
    pub envelope_from: EnvelopeFromRule,
    /// What it counts.
    pub limits: Limits,
    /// The names of the routes that lead there, in the order in which they are tried; none: the configuration's.
    pub routes: Vec<String>,
    /// Its page for people who set up a mail program.
    pub page: Option<String>,
    /// Where the row's facts are from.
    pub sources: Vec<String>,
    /// What a person must know or do before the first login works.
    pub note: Option<String>,
}

/// The site's providers before the built-in ones.
#[derive(Clone, Debug, Default)]
pub struct Presets {
    site: Vec<Preset>,
}

impl Presets {
    /// Presets of a site, in front of the built-in ones.
    pub fn with_site(site: Vec<Preset>) -> Presets {
        Presets { site }
    }

    /// The provider called `name`, by its name or another that people use, in any case.
    pub fn find(&self, name: &str) -> Option<Preset> {
        self.of_site(name).cloned().or_else(|| rows::ROWS.iter().find(|row| row.is_called(name)).map(Preset::from))
    }

    /// The names of the routes that the site wants to be taken to the provider called `name`; built-in ones name none.
    pub fn routes_to(&self, name: &str) -> &[String] {
        self.of_site(name).map(|preset| preset.routes.as_slice()).unwrap_or_default()
    }

    /// The provider whose customers have addresses in `domain`.
    pub fn of_domain(&self, domain: &str) -> Option<Preset> {
        self.all().into_iter().find(|preset| preset.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    }

    /// The provider that takes the mail of a domain whose MX is `host`.
    pub fn of_mx(&self, host: &str) -> Option<Preset> {
        let host = host.trim_end_matches('.').to_lowercase();
        let serves = |end: &String| host == *end || host.ends_with(&format!(".{end}"));
        self.all().into_iter().find(|preset| preset.mx.iter().any(serves))
    }

    /// The provider that takes submissions at `host`.
    pub fn of_host(&self, host: &str) -> Option<Preset> {
        let is_host = |server: &Server| server.host.eq_ignore_ascii_case(host);
        self.all().into_iter().find(|preset| preset.submission.iter().any(is_host))
    }

    fn of_site(&self, name: &str) -> Option<&Preset> {
        self.site.iter().find(|preset| preset.is_called(name))
    }

    /// All of them, the site's first.
    pub fn all(&self) -> Vec<Preset> {
        let built_in = rows::ROWS.iter().map(Preset::from);
        self.site.iter().cloned().chain(built_in).collect()
    }
}

impl Preset {
    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_provider_is_found_by_the_names_people_use() {
        let rows = [
            ("gmx", Some("gmx")),
            ("GMX", Some("gmx")),
            ("webde", Some("web.de")),
            ("office365", Some("microsoft365")),
            ("Microsoft 365", Some("microsoft365")),
            ("hotmail", Some("outlook")),
            ("googlemail", Some("gmail")),
            ("nowhere", None),
        ];
        for (name, expected) in rows {
            assert_eq!(Presets::default().find(name).map(|preset| preset.name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn no_two_built_in_providers_share_a_name_or_a_domain() {
        let mut seen = HashSet::new();
        for preset in Presets::default().all() {
            for name in preset.aliases.iter().chain([&preset.name]) {
                assert!(seen.insert(("name", name.to_lowercase())), "{name} stands twice");
            }
            for domain in &preset.domains {
                assert!(seen.insert(("domain", domain.clone())), "{domain} stands twice");
            }
        }
    }

    #[test]
    fn every_built_in_provider_has_a_server_a_page_and_a_source() {
        for preset in Presets::default().all() {
            assert!(!preset.submission.is_empty() && preset.page.is_some(), "{}", preset.name);
            assert!(preset.sources.iter().any(|source| source.starts_with("https://")), "{}", preset.name);
        }
    }

    #[test]
    fn a_hosted_domain_is_known_by_its_mx() {
        let rows = [
            ("example-org.mail.protection.outlook.com.", Some("microsoft365")),
            ("aspmx.l.google.com", Some("gmail")),
            ("mx00.ionos.de", Some("ionos")),
            ("notgoogle.com", None),
            ("evilgoogle.com.example", None),
        ];
        for (host, expected) in rows {
            assert_eq!(Presets::default().of_mx(host).map(|preset| preset.name).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_sites_provider_goes_before_a_built_in_one() {
        let gmx = Presets::default().find("gmx").expect("a row");
        let own = Preset { page: Some("https://intranet.example/gmx".into()), ..gmx };
        let presets = Presets::with_site(vec![own.clone()]);
        assert_eq!(presets.find("GMX"), Some(own));
    }
}
