//! `sendvia import msmtp`: the accounts of an msmtp configuration.

mod parse;

use super::super::account::change::Site;
use super::super::account::draft::DraftSecret;
use super::super::failure::Failure;
use super::{Common, Destination, Draft, Harvest, Row, netloc, plan, read};
use crate::account::preset::Presets;
use crate::account::{AccountAddress, TlsMode};
use crate::secret::SecretString;
use crate::verdict::ExitStatus;
use crate::yaml::Item;
use clap::Args;
use parse::Entry;
use std::path::PathBuf;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The configuration; else ~/.msmtprc, $XDG_CONFIG_HOME/msmtp/config, or /etc/msmtprc
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Imports.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.common.settings)?;
    let file = arguments.file.clone().or_else(usual_place).ok_or_else(|| {
        Failure::usage("no msmtp configuration in the usual places", "name it: `sendvia import msmtp FILE`")
    })?;
    let text = read(&file)?;
    let mut harvest = Harvest::default();
    let entries =
        parse::accounts(&text, &mut |line, why| harvest.left.push(format!("{}:{line}: {why}", file.display())));
    for entry in &entries {
        let origin = format!("{}:{}", file.display(), entry.line);
        let draft = draft(&site.config.presets, entry);
        // `account default : x` is x once more.
        let is_again = |draft: &Draft| {
            entry.name == "default" && harvest.rows.iter().any(|row| row.draft.address == draft.address)
        };
        match draft {
            Ok(draft) if is_again(&draft) => harvest.notes.push(format!(
                "msmtp's default is {}; sendvia goes by the envelope sender, and has no default",
                draft.address
            )),
            Ok(draft) => harvest.rows.push(Row { origin, draft, aliases: Vec::new() }),
            Err(why) => harvest.left.push(format!("{origin}: account {}: {why}", entry.name)),
        }
        if entry.get("aliases").is_some() {
            harvest
                .notes
                .push(format!("account {}: `aliases` is about recipients, and stays with the MTA", entry.name));
        }
    }
    harvest.obsolete.push(format!("these accounts in {}", file.display()));
    plan::carry_out(&site, &arguments.common, harvest)
}

fn usual_place() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let configs = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let configs = configs.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let places = [
        home.map(|home| home.join(".msmtprc")),
        configs.map(|configs| configs.join("msmtp/config")),
        Some("/etc/msmtprc".into()),
    ];
    places.into_iter().flatten().find(|place| place.is_file())
}

fn draft(presets: &Presets, entry: &Entry) -> Result<Draft, String> {
    let from = entry.get("from").ok_or("no `from`, so whose mail it is for can't be told")?;
    let address = address(from)?;
    let login = entry.get("user").ok_or("no `user`: it does not log in")?.to_owned();
    if entry.get("auth") == Some("off") {
        return Err("`auth off`: it does not log in".to_owned());
    }
    Ok(Draft { place: place(presets, entry)?, secret: secret(entry)?, login, users: Vec::new(), address })
}

/// `anna@gmx.de`, or a pattern (fnmatch(3)): `*@example.org` is a domain's account.
fn address(from: &str) -> Result<AccountAddress, String> {
    let text = from.strip_prefix('*').filter(|rest| rest.starts_with('@')).unwrap_or(from);
    if text.contains(['*', '?', '[']) || !text.contains('@') {
        return Err(format!("`from {from}` is neither an address nor *@ and a domain"));
    }
    AccountAddress::parse(text).map_err(|error| error.to_string())
}

/// msmtp's defaults: no TLS, then STARTTLS; port 25, and 465 for TLS from the start.
fn place(presets: &Presets, entry: &Entry) -> Result<Destination, String> {
    let host = entry.get("host").ok_or("no `host`")?.to_lowercase();
    let tls = match (entry.is_on("tls", false), entry.is_on("tls_starttls", true)) {
        (true, true) => TlsMode::StartTls,
        (true, false) => TlsMode::Implicit,
        (false, _) => TlsMode::None,
    };
    let port = entry.get("port").map(|text| netloc::port(text).ok_or("its port is none"));
    let port = port.transpose()?.unwrap_or(if tls == TlsMode::Implicit { 465 } else { 25 });
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    // A password in clear over the network is nothing to take over.
    let tls = if tls == TlsMode::None && !is_here { TlsMode::of_port(port) } else { tls };
    Ok(Destination::of_server(presets, netloc::server(host, port, Some(tls))))
}

/// `password`, else `passwordeval`, which msmtp gives to a shell.
fn secret(entry: &Entry) -> Result<DraftSecret, String> {
    match (entry.get("password"), entry.get("passwordeval")) {
        (Some(password), _) => Ok(DraftSecret::Password(SecretString::from(password))),
        (None, Some(command)) => {
            Ok(DraftSecret::Source(Item::Map(vec![("command", Item::text(command)), ("shell", Item::Bool(true))])))
        }
        (None, None) => Err("its password is not in it (~/.netrc, or a keyring): `sendvia account add`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_inherit_and_patterns_are_domains() {
        let text = "defaults\ntls on\ntls_starttls off\nauth on\n\naccount gmx\nhost mail.gmx.net\nfrom anna@gmx.de\n\
                    user anna@gmx.de\npassword \"p # w\"\n\naccount second : gmx\nfrom *@firma.example\n\
                    passwordeval \"pass gmx | head -1\"\npassword\n\naccount old\nhost mail.example.org\ntls_starttls\n\
                    port 587\nfrom a?@example.org\nuser a\n\naccount none\nhost x.example\nfrom n@x.example\n";
        let mut wrong = Vec::new();
        let entries = parse::accounts(text, &mut |line, why| wrong.push((line, why)));
        let drafts: Vec<_> = entries.iter().map(|entry| draft(&Presets::default(), entry)).collect();
        let shown: Vec<String> = drafts
            .iter()
            .map(|draft| match draft {
                Ok(draft) => format!("{} {} {}", draft.address, draft.login, draft.place),
                Err(why) => why.clone(),
            })
            .collect();
        let expected = [
            "anna@gmx.de anna@gmx.de gmx",
            "@firma.example anna@gmx.de gmx",
            "`from a?@example.org` is neither an address nor *@ and a domain",
            "no `user`: it does not log in",
        ];
        assert_eq!(shown, expected);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(matches!(drafts[1].as_ref().map(|draft| &draft.secret), Ok(DraftSecret::Source(_))));
    }
}
