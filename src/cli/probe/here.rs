//! This host, as the provider sees it.

use super::look::Sight;
use hickory_resolver::Resolver;
use hickory_resolver::proto::rr::RData;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// For all questions to the DNS.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of this host's address.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// The address that the server named, else our end of the connection.
    pub(super) address: Option<IpAddr>,
    /// Whether a server named it.
    pub(super) is_told: bool,
    /// Its name in the DNS.
    pub(super) ptr: Option<String>,
    /// Whether that name leads back to the address.
    pub(super) leads_back: bool,
}

impl Here {
    /// What the replies tell, and the DNS about it.
    pub(super) async fn of(sights: &[Sight]) -> Here {
        let told = sights.iter().find_map(address_told);
        let ours = sights.iter().find_map(|sight| sight.survey.ends.map(|(own, _)| own.ip()));
        let address = told.or(ours);
        let mut here = Here { address, is_told: told.is_some(), ..Here::default() };
        if let Some(address) = address.filter(|address| is_public(*address)) {
            here.ptr = timeout(PATIENCE, name_of(address)).await.ok().flatten();
            if let Some(name) = here.ptr.clone() {
                here.leads_back = timeout(PATIENCE, leads_to(&name, address)).await.unwrap_or(false);
            }
        }
        here
    }
}

/// Servers say to whom they speak in the first line of the reply to EHLO, or in a refusal.
fn address_told(sight: &Sight) -> Option<IpAddr> {
    let greeted = sight.survey.ehlo.as_ref().or(sight.survey.clear.as_ref());
    let first = greeted.and_then(|reply| reply.lines_lossy().into_iter().next());
    let refusal = sight.refusal().map(|(_, reply, _)| reply.text());
    let server = sight.survey.ends.map(|(_, peer)| peer.ip());
    let texts = [first, refusal];
    let mut addresses = texts.iter().flatten().flat_map(|text| addresses_in(text));
    addresses.find(|address| Some(*address) != server && is_public(*address))
}

fn addresses_in(text: &str) -> Vec<IpAddr> {
    let is_address = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let words = text.split(|c: char| !is_address(c)).map(|word| word.trim_matches(['.', ':']));
    words.filter(|word| word.len() > 6).filter_map(|word| word.parse().ok()).collect()
}

/// Whether an address can have a name that others see.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
            !(address.is_private() || address.is_loopback() || address.is_link_local() || is_shared)
        }
        IpAddr::V6(address) => !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()),
    }
}

async fn name_of(address: IpAddr) -> Option<String> {
    let resolver = Resolver::builder_tokio().ok()?.build().ok()?;
    let found = resolver.reverse_lookup(address).await.ok()?;
    found.answers().iter().find_map(|record| match &record.data {
        RData::PTR(name) => Some(name.to_string().trim_end_matches('.').to_owned()),
        _ => None,
    })
}

async fn leads_to(name: &str, address: IpAddr) -> bool {
    let found = tokio::net::lookup_host((name, 0)).await;
    found.is_ok_and(|mut all| all.any(|one| one.ip() == address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_servers_say() {
        let rows = [
            ("gmx.net Hello mail.example.org [198.51.100.7]", vec!["198.51.100.7"]),
            ("IP address is block listed; see https://postmaster.gmx.net/?c=bl&ip=198.51.100.7", vec!["198.51.100.7"]),
            ("Hello 2001:db8::7, nice", vec!["2001:db8::7"]),
            ("version 1.2.3 at 10:20:30", vec![]),
        ];
        for (text, expected) in rows {
            let found: Vec<String> = addresses_in(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
