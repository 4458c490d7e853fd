//! Finds where the customers of a domain submit, and says from where that is known.
//!
//! Whoever spoofs an answer collects the password. So what DNS says is only ever a proposal to a person; without one,
//! the built-in providers count, the site's own, and what the domain itself publishes over HTTPS.

mod autoconfig;
mod dns;

use super::super::failure::Failure;
use super::super::progress::Waiting;
use super::super::runtime;
use super::draft::Destination;
use crate::account::preset::Presets;
use crate::account::{AccountAddress, Server};
use crate::config::Config;
use crate::secret::http::{HttpClient, HttpOptions};
use std::time::Duration;

/// How long the domain's web server, and each DNS answer, is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: Destination,
    /// Where the provider wants another login than the address.
    pub(super) login: Option<String>,
    /// From where it is known.
    pub(super) source: String,
    /// Whether a password may go there without a person having agreed.
    pub(super) is_sure: bool,
}

impl Found {
    fn provider(name: String, source: String, is_sure: bool) -> Found {
        Found { place: Destination { provider: Some(name), server: None }, login: None, source, is_sure }
    }

    fn server(presets: &Presets, server: Server, source: String, is_sure: bool) -> Found {
        Found { place: Destination::of_server(presets, server), login: None, source, is_sure }
    }
}

/// Where the account of `address` submits. `by_dns` says whether a person is there to judge what DNS answers.
pub(super) fn find(config: &Config, address: &AccountAddress, by_dns: bool) -> Result<Found, Failure> {
    let domain = address.domain();
    if let Some(preset) = config.presets.of_domain(&domain) {
        return Ok(Found::provider(preset.name, format!("sendvia knows {domain}"), true));
    }
    let _waiting = Waiting::new("asking the domain");
    runtime::block_on(ask(config, address, &domain, by_dns))?.ok_or_else(|| unknown(&domain, by_dns))
}

async fn ask(config: &Config, address: &AccountAddress, domain: &str, by_dns: bool) -> Option<Found> {
    let options = HttpOptions { ca_file: config.ca_file.clone(), limit: LIMIT, ..HttpOptions::default() };
    if let Some(found) = autoconfig::find(&HttpClient::new(options), &config.presets, address, domain).await {
        return Some(found);
    }
    if !by_dns {
        return None;
    }
    match dns::by_srv(&config.presets, domain).await {
        Some(found) => Some(found),
        None => dns::by_mx(&config.presets, domain).await,
    }
}

fn unknown(domain: &str, by_dns: bool) -> Failure {
    let looked = match by_dns {
        true => "no known provider, no configuration over HTTPS, no SRV record, no known MX",
        false => {
            "no known provider, and no configuration over HTTPS (DNS is asked only where a person can judge the answer)"
        }
    };
    let problem = format!("where {domain} takes submissions is not known: {looked}");
    Failure::usage(problem, "`--provider NAME`, or `--host HOST [--port PORT] [--tls MODE]`")
}
