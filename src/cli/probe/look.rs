//! Looking at every address of every server, all at once.

use super::target::{Target, protections};
use crate::account::refusal::{Classification, classify};
use crate::config::{RouteConfig, Way};
use crate::relay::Relay;
use crate::submission::{Dial, Endpoint, FailureKind, Protection, Survey, Timeouts, TlsTrust, addresses, survey};
use crate::verdict::{Stage, Verdict};
use crate::wire::capability::Capabilities;
use crate::wire::reply::Reply;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What one address said at one port by one route.
pub(super) struct Sight {
    pub(super) route: String,
    pub(super) host: String,
    /// The address; the name where a proxy looks it up, or where it has none.
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) survey: Survey,
}

/// One look to take.
struct Look {
    order: (usize, usize, usize, usize),
    route: RouteConfig,
    host: String,
    address: String,
    port: u16,
}

/// Looks; in the order of routes, hosts, ports and addresses.
pub(super) async fn at(relay: &Relay, target: &Target, routes: &[RouteConfig]) -> Vec<Sight> {
    let mut looking = JoinSet::new();
    for look in looks(target, routes).await {
        let ehlo_name = relay.ehlo_name().to_owned();
        let ca_file = relay.config().ca_file.clone();
        looking.spawn(async move { (look.order, look.take(ehlo_name, ca_file).await) });
    }
    let mut sights = Vec::new();
    while let Some(taken) = looking.join_next().await {
        sights.extend(taken.ok());
    }
    sights.sort_by_key(|(order, _)| *order);
    sights.into_iter().map(|(_, sight)| sight).collect()
}

async fn looks(target: &Target, routes: &[RouteConfig]) -> Vec<Look> {
    let mut looks = Vec::new();
    for (host_index, host) in target.hosts.iter().enumerate() {
        let found: Vec<std::net::IpAddr> =
            addresses(host, 0).await.unwrap_or_default().iter().map(std::net::SocketAddr::ip).collect();
        for (route_index, route) in routes.iter().enumerate() {
            for (port_index, port) in target.ports.iter().enumerate() {
                for (index, address) in addresses_by(route, host, &found).into_iter().enumerate() {
                    let order = (route_index, host_index, port_index, index);
                    looks.push(Look { order, route: route.clone(), host: host.clone(), address, port: *port });
                }
            }
        }
    }
    looks
}

/// A proxy looks the name up itself; an address of ours only reaches its own family. A name without an address is
/// looked at all the same, so that its trouble is told.
fn addresses_by(route: &RouteConfig, host: &str, found: &[std::net::IpAddr]) -> Vec<String> {
    let fits = |address: &&std::net::IpAddr| match &route.way {
        Way::Direct => true,
        Way::Local(local) => local.is_ipv6() == address.is_ipv6(),
        Way::Socks5(_) | Way::Connect(_) | Way::Upstream(_) => false,
    };
    let addresses: Vec<String> = found.iter().filter(fits).map(ToString::to_string).collect();
    if addresses.is_empty() { vec![host.to_owned()] } else { addresses }
}

impl Look {
    async fn take(&self, ehlo_name: String, ca_file: Option<PathBuf>) -> Sight {
        let mut last = None;
        for protection in protections(self.port) {
            let sight = self.by(*protection, &ehlo_name, ca_file.clone()).await;
            let is_wrong_protection = matches!(&sight.survey.end, Some(failure) if failure.stage == Stage::Tls);
            last = Some(sight);
            if !is_wrong_protection {
                break;
            }
        }
        last.unwrap_or_else(|| self.sight(Protection::StartTls, Survey::default()))
    }

    async fn by(&self, protection: Protection, ehlo_name: &str, ca_file: Option<PathBuf>) -> Sight {
        let route = match Relay::route(&self.route) {
            Ok(route) => route,
            Err(outcome) => {
                let survey = Survey::failed(&Verdict::from(&outcome).text);
                return self.sight(protection, survey);
            }
        };
        let dial = Dial {
            endpoint: Endpoint { host: self.host.clone(), port: self.port, protection },
            route: Arc::new(route),
            trust: Arc::new(TlsTrust::default()),
            ehlo_name: ehlo_name.to_owned(),
            timeouts: patience(),
            deadline: None,
            danger_plaintext_auth: false,
            dialogue: None,
        };
        let survey = survey(&dial, &self.address, ca_file.as_deref()).await;
        self.sight(protection, survey)
    }

    fn sight(&self, protection: Protection, survey: Survey) -> Sight {
        let (route, host, address) = (self.route.name.clone(), self.host.clone(), self.address.clone());
        Sight { route, host, address, port: self.port, protection, survey }
    }
}

/// A person waits.
fn patience() -> Timeouts {
    let seconds = Duration::from_secs;
    Timeouts { connect: seconds(10), greeting: seconds(20), ehlo: seconds(20), tls: seconds(10), ..Timeouts::default() }
}

impl Sight {
    /// Whether a login could follow: TLS, its certificate verified, and EHLO answered.
    pub(super) fn is_open(&self) -> bool {
        self.survey.end.is_none() && self.survey.tls.as_ref().is_some_and(|tls| tls.certificate.is_ok())
    }

    /// The refusal, if there was one: where, what was said, and what it means.
    pub(super) fn refusal(&self) -> Option<(Stage, &Reply, Classification)> {
        let failure = self.survey.end.as_ref()?;
        let FailureKind::Refused(reply) = &failure.kind else { return None };
        Some((failure.stage, reply, classify(Some(&self.host), failure.stage, reply)))
    }

    /// What kept us from seeing everything.
    pub(super) fn problem(&self) -> Option<String> {
        self.survey.end.as_ref().map(ToString::to_string)
    }

    /// What is offered at last.
    pub(super) fn capabilities(&self) -> Option<Capabilities> {
        self.survey.ehlo.as_ref().or(self.survey.clear.as_ref()).map(Capabilities::parse)
    }

    /// Every reply, the first first.
    pub(super) fn replies(&self) -> impl Iterator<Item = &Reply> {
        let refusal = self.refusal().map(|(_, reply, _)| reply);
        [self.survey.greeting.as_ref(), self.survey.clear.as_ref(), self.survey.ehlo.as_ref(), refusal]
            .into_iter()
            .flatten()
    }
}
