//! `sendvia import postfix`: the classic set-up of `sender_dependent_relayhost_maps` and `smtp_sasl_password_maps`.
//!
//! Postfix's own tools read its files: `postconf` the parameters, `postmap` the maps, whatever their type. A map that
//! can't be listed (patterns, LDAP) is asked for the senders that the other maps name.

mod maps;
mod policy;

use super::super::account::change::Site;
use super::super::account::draft::DraftSecret;
use super::super::failure::Failure;
use super::{Common, Destination, Draft, Harvest, Row, netloc, plan};
use crate::account::AccountAddress;
use crate::account::preset::Presets;
use crate::secret::SecretString;
use crate::verdict::ExitStatus;
use clap::Args;
use maps::{Map, Postfix};
use policy::Policy;
use std::collections::BTreeMap;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Which server a sender's mail goes to.
const RELAYHOSTS: &str = "sender_dependent_relayhost_maps";
/// Logins and passwords.
const PASSWORDS: &str = "smtp_sasl_password_maps";

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Postfix's configuration directory
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
}

/// What Postfix is told.
struct Settings {
    relayhost: String,
    /// Whether passwords are looked up by sender.
    by_sender: bool,
    policy: Policy,
    relayhosts: Vec<Map>,
    passwords: Vec<Map>,
}

/// An entry of a map and where it stands.
struct Entry {
    map: String,
    value: Zeroizing<String>,
}

/// Imports.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.common.settings)?;
    let postfix = Postfix::new(arguments.config_dir.clone());
    let mut harvest = Harvest::default();
    let settings = Settings::read(&postfix, &mut harvest)?;
    settings.harvest(&postfix, &site.config.presets, &mut harvest);
    plan::carry_out(&site, &arguments.common, harvest)
}

impl Settings {
    fn read(postfix: &Postfix, harvest: &mut Harvest) -> Result<Settings, Failure> {
        let parameter = |name: &str| postfix.parameter(name);
        let mut maps = |name: &str| -> Result<Vec<Map>, Failure> {
            let maps = maps::split(&parameter(name)?);
            Ok(maps.iter().map(|map| postfix.map(map, &mut harvest.notes)).collect())
        };
        let (relayhosts, passwords) = (maps(RELAYHOSTS)?, maps(PASSWORDS)?);
        if passwords.is_empty() {
            let failure = Failure::new(format_args!("{PASSWORDS} is empty: Postfix has no passwords"));
            return Err(failure.hint("name the directory of its main.cf with `--config-dir`"));
        }
        Ok(Settings {
            relayhost: parameter("relayhost")?,
            by_sender: parameter("smtp_sender_dependent_authentication")? == "yes",
            policy: Policy {
                wrapper_mode: parameter("smtp_tls_wrappermode")? == "yes",
                level: parameter("smtp_tls_security_level")?,
                maps: maps("smtp_tls_policy_maps")?,
            },
            relayhosts,
            passwords,
        })
    }

    fn harvest(&self, postfix: &Postfix, presets: &Presets, harvest: &mut Harvest) {
        let senders = self.senders(harvest);
        let count = senders.len();
        let nexthops = self.nexthops(postfix, &senders);
        let by_sender = match self.by_sender {
            true => maps::find_all(postfix, &self.passwords, senders.keys().cloned().collect()),
            false => BTreeMap::new(),
        };
        for (sender, origin) in senders {
            let row = self.row(postfix, presets, &sender, nexthops.get(&sender), by_sender.get(&sender), harvest);
            match row {
                Ok(draft) => harvest.rows.push(Row { origin, draft, aliases: Vec::new() }),
                Err(why) => harvest.left.push(format!("{origin}: {sender}: {why}")),
            }
        }
        let taken = harvest.rows.len();
        let lines =
            if taken == count && harvest.left.is_empty() { "every line" } else { "the lines of these accounts" };
        for map in self.relayhosts.iter().chain(&self.passwords).chain(&self.policy.maps) {
            harvest.obsolete.push(format!("{lines} of {}", map.name));
        }
        if lines == "every line" {
            harvest
                .obsolete
                .push(format!("{RELAYHOSTS}, {PASSWORDS} and smtp_sender_dependent_authentication in main.cf"));
        }
    }

    /// Every sender that a map names, with where. Keys that are servers are for whoever names them.
    fn senders(&self, harvest: &mut Harvest) -> BTreeMap<String, String> {
        let mut senders = BTreeMap::new();
        let named = if self.by_sender { &self.passwords[..] } else { &[] };
        for map in self.relayhosts.iter().chain(named) {
            let Some(entries) = &map.entries else {
                harvest
                    .left
                    .push(format!("{}: can't be listed, only asked: name its senders by `import csv`", map.name));
                continue;
            };
            for key in entries.keys().filter(|key| key.contains('@')) {
                senders.entry(key.to_lowercase()).or_insert_with(|| map.name.clone());
            }
        }
        for map in &self.passwords {
            for key in map.entries.iter().flat_map(BTreeMap::keys).filter(|key| !key.contains('@')) {
                let is_used = self.relayhosts.iter().any(|map| map.names_server(key)) || self.relayhost == *key;
                if !is_used {
                    harvest.left.push(format!("{}: {key}: no sender's mail goes to this server", map.name));
                }
            }
        }
        senders
    }

    fn nexthops(&self, postfix: &Postfix, senders: &BTreeMap<String, String>) -> BTreeMap<String, Entry> {
        let mut found = maps::find_all(postfix, &self.relayhosts, senders.keys().cloned().collect());
        // As Postfix does: the address, then its domain.
        let domains: BTreeMap<&String, String> = senders
            .keys()
            .filter(|sender| !found.contains_key(*sender))
            .filter_map(|sender| Some((sender, format!("@{}", sender.rsplit_once('@')?.1))))
            .collect();
        let by_domain = maps::find_all(postfix, &self.relayhosts, domains.values().cloned().collect());
        for (sender, domain) in domains {
            if let Some(entry) = by_domain.get(&domain) {
                found.insert(sender.clone(), Entry { map: entry.map.clone(), value: entry.value.clone() });
            }
        }
        found
    }

    fn row(
        &self,
        postfix: &Postfix,
        presets: &Presets,
        sender: &str,
        nexthop: Option<&Entry>,
        password: Option<&Entry>,
        harvest: &mut Harvest,
    ) -> Result<Draft, String> {
        let address = AccountAddress::parse(sender).map_err(|error| error.to_string())?;
        let nexthop = nexthop.map_or(self.relayhost.as_str(), |entry| entry.value.trim());
        if nexthop.is_empty() || nexthop.eq_ignore_ascii_case("DUNNO") {
            return Err("its mail goes to no relayhost".to_owned());
        }
        let (host, port) = netloc::nexthop(nexthop).ok_or_else(|| format!("{nexthop} is no server"))?;
        let by_server;
        let login = match password {
            Some(entry) => entry,
            None => {
                by_server = maps::find_first(postfix, &self.passwords, &[host.clone(), nexthop.to_owned()]);
                by_server.as_ref().ok_or_else(|| format!("no password for it or for {nexthop}"))?
            }
        };
        let (login, password) = login.value.split_once(':').ok_or("its entry is not LOGIN:PASSWORD")?;
        if login.is_empty() || password.is_empty() {
            return Err("its login or its password is empty".to_owned());
        }
        let protection = self.policy.of(postfix, &host, nexthop, port);
        harvest.notes.extend(protection.note.filter(|note| !harvest.notes.contains(note)));
        // The server that a provider's name stands for needs no port.
        let known = presets.of_host(&host).filter(|_| port.is_none()).map(|preset| preset.name);
        let place = match known {
            Some(name) => Destination { provider: Some(name), server: None },
            None => Destination::of_server(presets, netloc::server(host, port.unwrap_or(25), protection.tls)),
        };
        let secret = DraftSecret::Password(SecretString::from(password));
        Ok(Draft { address, login: login.to_owned(), place, secret, users: Vec::new() })
    }
}
