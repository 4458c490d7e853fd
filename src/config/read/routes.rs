//! `routes:`: a list of ways, tried in this order.
//!
//! ```yaml
//! routes:
//!   - direct
//!   - local: 192.0.2.7
//!   - {name: office, socks5: "proxy.example:1080", login_file: proxy-login}
//! ```

use super::read_path;
use crate::config::{ProxyConfig, RouteConfig, Way};
use crate::yaml::{Section, Value};
use std::collections::HashSet;
use std::path::Path;

/// Reads the list; each route has a name of its own, by default its text.
pub(super) fn read(value: &Value<'_>, base: &Path) -> Option<Vec<RouteConfig>> {
    let routes = value.each(|route| read_route(route, base).map(|read| (route.clone(), read)))?;
    let mut names = HashSet::new();
    for (place, route) in &routes {
        if !names.insert(route.name.clone()) {
            place.error_with_hint("another route has this name", "give one of them a `name`");
        }
    }
    Some(routes.into_iter().map(|(_, route)| route).collect())
}

fn read_route(value: &Value<'_>, base: &Path) -> Option<RouteConfig> {
    if value.is_text() {
        return value.word(&[("direct", ())]).map(|()| RouteConfig { name: "direct".to_owned(), way: Way::Direct });
    }
    let mut section = value.section()?;
    let name = section.optional("name", |value| value.line().map(str::to_owned));
    let login_file = section.optional("login_file", |value| read_path(value, base));
    let ways = ways(&mut section, login_file);
    section.finish();
    let [way] = ways.as_slice() else {
        let hint = "one of direct, local, socks5, connect, upstream";
        value.error_with_hint(format!("expected one way, but found {}", ways.len()), hint);
        return None;
    };
    let name = name.unwrap_or_else(|| way.to_string());
    Some(RouteConfig { name, way: way.clone() })
}

fn ways(section: &mut Section<'_>, login_file: Option<std::path::PathBuf>) -> Vec<Way> {
    let direct = section.optional("direct", Value::bool).filter(|direct| *direct).map(|_| Way::Direct);
    let local = section.optional("local", |value| value.parsed("a local IP address")).map(Way::Local);
    let mut proxy = |key, port| section.optional(key, |value| read_proxy(value, port, login_file.clone()));
    let socks5 = proxy("socks5", 1080).map(Way::Socks5);
    let connect = proxy("connect", 3128).map(Way::Connect);
    let upstream = proxy("upstream", 587).map(Way::Upstream);
    [direct, local, socks5, connect, upstream].into_iter().flatten().collect()
}

/// `HOST`, `HOST:PORT`, `[IPv6]:PORT`. A password in it is refused: this file is not a place for one.
fn read_proxy(value: &Value<'_>, port: u16, login_file: Option<std::path::PathBuf>) -> Option<ProxyConfig> {
    let text = value.line()?;
    if text.contains('@') {
        value.error_with_hint(
            "a login does not belong here",
            "put USER:PASSWORD into a private file: `login_file: PATH`",
        );
        return None;
    }
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let read = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => Some((host, port)),
        Some((host, rest)) => rest.strip_prefix(':').and_then(|port| Some((host, port.parse().ok()?))),
        None => match text.rsplit_once(':') {
            Some((host, port)) => port.parse().ok().map(|port| (host, port)),
            None => Some((text, port)),
        },
    };
    let is_host = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-_:".contains(c));
    match read.filter(|(host, _)| is_host(host)) {
        Some((host, port)) => Some(ProxyConfig { host: host.to_owned(), port, login_file }),
        None => {
            value.error("expected HOST:PORT");
            None
        }
    }
}
