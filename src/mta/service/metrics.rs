//! The page for Prometheus: what this process counted, and what the state knows of every process, the short-lived ones of
//! a pipe among them.
//!
//! HTTP as far as a scraper needs it: one GET on a connection, a page, the end. Nothing on the page names an account.

use crate::metrics::{Kind, METRICS, Page};
use crate::relay::Relay;
use crate::state::{Clock, Ledger, StateError};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// How long a scraper may take to ask, and to take its page.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest request.
const MAX_REQUEST: u64 = 8192;

/// Answers one request, unless the service stops before it has come.
pub(super) async fn answer<S>(stream: &mut S, relay: &Relay, stopping: impl Future<Output = ()>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let exchange = async {
        let request = request(stream).await?;
        stream.write_all(reply(&request, || page(relay)).as_bytes()).await?;
        stream.shutdown().await
    };
    tokio::select! {
        answered = timeout(PATIENCE, exchange) => answered.unwrap_or(Ok(())),
        () = stopping => Ok(()),
    }
}

/// Up to the empty line; a body is nobody's business.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut limited = stream.take(MAX_REQUEST);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if limited.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    Ok(request)
}

fn reply(request: &[u8], page: impl FnOnce() -> String) -> String {
    let line = request.split(|octet| *octet == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    match (method, path) {
        ("GET", "/metrics") => whole("200 OK", "text/plain; version=0.0.4; charset=utf-8", &page()),
        ("GET", _) => whole("404 Not Found", "text/plain", "the page is /metrics\n"),
        _ => whole("405 Method Not Allowed\r\nAllow: GET", "text/plain", "expected GET\n"),
    }
}

fn whole(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// Everything that is known now.
fn page(relay: &Relay) -> String {
    let mut page = Page::default();
    METRICS.write(&mut page);
    write_pool(&mut page, relay);
    let is_read = write_state(&mut page, relay.ledger()).is_ok();
    page.gauge("sendvia_state_readable", "Whether the state could be read for this page.", f64::from(is_read));
    page.family("sendvia_build_info", Kind::Gauge, "The version that runs.");
    page.sample("sendvia_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    write_process(&mut page);
    page.text()
}

fn write_pool(page: &mut Page, relay: &Relay) {
    let counts = relay.pool_counts();
    page.family("sendvia_pool_deliveries", Kind::Gauge, "Deliveries that share this process now.");
    for (state, count) in [("under_way", counts.under_way), ("waiting", counts.waiting)] {
        page.sample("sendvia_pool_deliveries", &[("state", state)], count as f64);
    }
    page.gauge("sendvia_pool_sessions_idle", "Sessions that wait for the next delivery.", counts.idle as f64);
}

/// What all processes on this host have in common.
fn write_state(page: &mut Page, ledger: &dyn Ledger) -> Result<(), StateError> {
    let now = Clock::System.now();
    let mut closed: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for closure in ledger.closures()?.into_iter().filter(|closure| now < closure.until) {
        *closed.entry((closure.subject.kind.name(), closure.meaning)).or_default() += 1;
    }
    page.family("sendvia_closed", Kind::Gauge, "What is closed for now, by its kind and by what closed it.");
    for ((kind, meaning), count) in closed {
        page.sample("sendvia_closed", &[("kind", kind), ("meaning", &meaning)], count as f64);
    }
    let today = ledger.today()?;
    let sum = |of: fn(&crate::state::Today) -> u64| today.iter().map(of).sum::<u64>() as f64;
    let messages = sum(|account| account.messages);
    page.gauge("sendvia_messages_last_day", "Messages taken by providers within 24 hours.", messages);
    let recipients = sum(|account| account.recipients);
    page.gauge("sendvia_recipients_last_day", "Recipients of these messages.", recipients);
    page.gauge("sendvia_logins_last_day", "Logins within 24 hours.", sum(|account| account.logins));
    let active = today.iter().filter(|account| account.messages > 0).count();
    page.gauge("sendvia_accounts_active_last_day", "Accounts that sent within 24 hours.", active as f64);
    Ok(())
}

/// By the names that every exporter uses.
fn write_process(page: &mut Page) {
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open file descriptors.", open.count() as f64);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    if let Some(kibibytes) = resident.map(|kibibytes: f64| kibibytes * 1024.0) {
        page.gauge("process_resident_memory_bytes", "Resident memory.", kibibytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn asked(request: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let relay = Relay::resident(Config::beside(directory.path()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut scraper, mut service) = tokio::io::duplex(64 * 1024);
            scraper.write_all(request.as_bytes()).await.unwrap();
            answer(&mut service, &relay, std::future::pending()).await.unwrap();
            drop(service);
            let mut reply = String::new();
            scraper.read_to_string(&mut reply).await.unwrap();
            reply
        })
    }

    #[test]
    fn a_scraper_gets_the_page_and_nothing_else_is_served() {
        let rows = [
            ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK\r\n"),
            ("GET /metrics?a=b HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"),
            ("GET /etc/passwd HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
            ("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "),
            ("\r\n\r\n", "HTTP/1.1 405 "),
        ];
        for (request, expected) in rows {
            let reply = asked(request);
            assert!(reply.starts_with(expected), "{request:?}: {reply}");
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
        }
    }

    #[test]
    fn every_family_is_told_once_and_before_its_samples() {
        let reply = asked("GET /metrics HTTP/1.1\r\n\r\n");
        let (_, body) = reply.split_once("\r\n\r\n").unwrap();
        let mut families: Vec<&str> = Vec::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let name = rest.split(' ').next().unwrap();
                assert!(!families.contains(&name), "{name} twice");
                families.push(name);
            } else if !line.starts_with('#') {
                assert!(line.starts_with(families.last().unwrap()), "{line} under {families:?}");
            }
        }
        assert!(families.contains(&"sendvia_closed") && families.contains(&"sendvia_pool_deliveries"), "{body}");
    }
}
