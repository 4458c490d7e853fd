//! What DNS says of a domain: SRV (RFC 6186, RFC 8314), and the MX of a domain that a provider hosts. Nobody signs that
//! for sure, so a person has to agree.

use super::Found;
use crate::account::preset::Presets;
use crate::account::{Server, TlsMode};
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};

/// RFC 8314 section 5.1 prefers TLS from the start.
const SERVICES: [(&str, TlsMode); 2] = [("_submissions", TlsMode::Implicit), ("_submission", TlsMode::StartTls)];

/// The server that the domain's SRV records name.
pub(super) async fn by_srv(presets: &Presets, domain: &str) -> Option<Found> {
    for (service, tls) in SERVICES {
        let name = format!("{service}._tcp.{domain}.");
        let mut targets: Vec<(u16, u16, u16, String)> = Vec::new();
        for data in look_up(&name, RecordType::SRV).await {
            if let RData::SRV(srv) = data {
                targets.push((srv.priority, u16::MAX - srv.weight, srv.port, srv.target.to_utf8()));
            }
        }
        targets.sort();
        // A target of `.` says that the service is not there.
        if let Some((_, _, port, host)) = targets.into_iter().find(|target| target.3 != ".") {
            let server = Server { host: host.trim_end_matches('.').to_lowercase(), port, tls };
            return Some(Found::server(presets, server, format!("the SRV record of {name}"), false));
        }
    }
    None
}

/// The provider that takes the domain's mail.
pub(super) async fn by_mx(presets: &Presets, domain: &str) -> Option<Found> {
    let mut hosts: Vec<(u16, String)> = Vec::new();
    for data in look_up(&format!("{domain}."), RecordType::MX).await {
        if let RData::MX(mx) = data {
            hosts.push((mx.preference, mx.exchange.to_utf8()));
        }
    }
    hosts.sort();
    let (preset, host) = hosts.into_iter().find_map(|(_, host)| Some((presets.of_mx(&host)?, host)))?;
    Some(Found::provider(preset.name, format!("its mail is taken by {}", host.trim_end_matches('.')), false))
}

/// Nothing, where DNS does not answer in time.
async fn look_up(name: &str, kind: RecordType) -> Vec<RData> {
    let Ok(resolver) = TokioResolver::builder_tokio().and_then(|builder| builder.build()) else { return Vec::new() };
    let answer = tokio::time::timeout(super::LIMIT, resolver.lookup(name, kind)).await;
    let Ok(Ok(answer)) = answer else { return Vec::new() };
    answer.answers().iter().map(|record| record.data.clone()).collect()
}
