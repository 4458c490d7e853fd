//! Mozilla's autoconfiguration: `config-v1.1.xml`, published by the domain itself over HTTPS.

use super::Found;
use crate::account::preset::Presets;
use crate::account::{AccountAddress, Server, TlsMode};
use crate::secret::http::HttpClient;
use serde::Deserialize;
use url::Url;

/// <https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat>
#[derive(Deserialize)]
struct ClientConfig {
    #[serde(rename = "emailProvider", default)]
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    #[serde(rename = "outgoingServer", default)]
    servers: Vec<Outgoing>,
}

#[derive(Deserialize)]
struct Outgoing {
    #[serde(rename = "@type", default)]
    kind: String,
    hostname: Option<String>,
    port: Option<u16>,
    #[serde(rename = "socketType")]
    socket: Option<String>,
    username: Option<String>,
}

/// Asks the domain's two places in turn.
pub(super) async fn find(
    http: &HttpClient,
    presets: &Presets,
    address: &AccountAddress,
    domain: &str,
) -> Option<Found> {
    for url in urls(address, domain) {
        let Ok(reply) = http.get(&url).await else { continue };
        let text = std::str::from_utf8(&reply.body).ok().filter(|_| reply.status == 200);
        if let Some((server, login)) = text.and_then(|text| read(text, address)) {
            let source = format!("{domain} says so over HTTPS ({})", url.host_str().unwrap_or_default());
            return Some(Found { login, ..Found::server(presets, server, source, true) });
        }
    }
    None
}

fn urls(address: &AccountAddress, domain: &str) -> Vec<Url> {
    let places = [
        format!("https://autoconfig.{domain}/mail/config-v1.1.xml"),
        format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"),
    ];
    let with_address = |mut url: Url| {
        if address.mailbox().is_some() {
            url.query_pairs_mut().append_pair("emailaddress", &address.to_string());
        }
        url
    };
    places.iter().filter_map(|place| Url::parse(place).ok()).map(with_address).collect()
}

/// The first server that takes passwords over TLS only, and its login where that is not the address.
fn read(text: &str, address: &AccountAddress) -> Option<(Server, Option<String>)> {
    let config: ClientConfig = quick_xml::de::from_str(text).ok()?;
    let servers = config.providers.into_iter().flat_map(|provider| provider.servers);
    servers.filter(|server| server.kind.is_empty() || server.kind == "smtp").find_map(|server| {
        let tls = match server.socket.as_deref()?.trim() {
            "SSL" => TlsMode::Implicit,
            "STARTTLS" => TlsMode::StartTls,
            _ => return None,
        };
        let host = fill(server.hostname.as_deref()?, address).to_lowercase();
        let host = url::Host::parse(&host).ok()?.to_string();
        let login = server.username.as_deref().map(|login| fill(login, address));
        let login = login.filter(|login| *login != address.to_string() && !login.is_empty());
        Some((Server { host, port: server.port.unwrap_or(tls.usual_port()), tls }, login))
    })
}

/// The placeholders that the format has.
fn fill(text: &str, address: &AccountAddress) -> String {
    let local_part = address.mailbox().map_or(String::new(), |mailbox| mailbox.unquoted_local_part().to_owned());
    text.trim()
        .replace("%EMAILADDRESS%", &address.to_string())
        .replace("%EMAILLOCALPART%", &local_part)
        .replace("%EMAILDOMAIN%", &address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_outgoing_server_with_tls_counts() {
        let file = |inside: &str| {
            format!(
                "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"x\"><domain>x.example</domain>\
                 <incomingServer type=\"imap\"><hostname>imap.x.example</hostname></incomingServer>{inside}\
                 </emailProvider></clientConfig>"
            )
        };
        let server = |host: &str, port: &str, socket: &str, user: &str| {
            format!(
                "<outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>{port}</port>\
                 <socketType>{socket}</socketType><username>{user}</username>\
                 <authentication>password-cleartext</authentication></outgoingServer>"
            )
        };
        let address = AccountAddress::parse("anna@x.example").expect("an address");
        let plain = server("plain.x.example", "25", "plain", "%EMAILADDRESS%");
        let rows = [
            (server("smtp.%EMAILDOMAIN%", "465", "SSL", "%EMAILADDRESS%"), Some(("smtp.x.example:465", None))),
            (
                plain.clone() + &server("s.x.example", "587", "STARTTLS", "%EMAILLOCALPART%"),
                Some(("s.x.example:587", Some("anna"))),
            ),
            (plain, None),
            (server("bad host", "465", "SSL", ""), None),
            (String::new(), None),
        ];
        for (inside, expected) in rows {
            let found = read(&file(&inside), &address).map(|(server, login)| (server.to_string(), login));
            let expected = expected.map(|(server, login)| (server.to_owned(), login.map(str::to_owned)));
            assert_eq!(found, expected, "{inside}");
        }
        assert!(read("<html>not found</html>", &address).is_none());
    }
}
