//! `sendvia import exim`: Debian's `passwd.client`, `HOST:LOGIN:PASSWORD` a line.

use super::super::account::change::Site;
use super::super::account::draft::DraftSecret;
use super::super::failure::Failure;
use super::{Common, Destination, Draft, Harvest, Row, netloc, plan, read};
use crate::account::AccountAddress;
use crate::account::preset::Presets;
use crate::secret::SecretString;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::{Path, PathBuf};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Where Debian keeps the smarthost
    #[arg(long, value_name = "FILE", default_value = "/etc/exim4/update-exim4.conf.conf")]
    update_conf: PathBuf,
    /// The file of logins
    #[arg(value_name = "FILE", default_value = "/etc/exim4/passwd.client")]
    file: PathBuf,
}

/// A server that Exim submits to.
type Smarthost = (String, Option<u16>);

/// Imports.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.common.settings)?;
    let text = read(&arguments.file)?;
    let smarthosts = smarthosts(&arguments.update_conf);
    let mut harvest = Harvest::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let origin = format!("{}:{}", arguments.file.display(), index + 1);
        match draft(&site.config.presets, &smarthosts, line) {
            Ok(draft) => harvest.rows.push(Row { origin, draft, aliases: Vec::new() }),
            Err(why) => harvest.left.push(format!("{origin}: {why}")),
        }
    }
    harvest.obsolete.push(format!("the lines of these accounts in {}", arguments.file.display()));
    plan::carry_out(&site, &arguments.common, harvest)
}

/// Exim knows no sender here: the login must be the address.
fn draft(presets: &Presets, smarthosts: &[Smarthost], line: &str) -> Result<Draft, String> {
    let mut parts = line.splitn(3, ':');
    let (Some(host), Some(login), Some(password)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("expected HOST:LOGIN:PASSWORD".to_owned());
    };
    if login.is_empty() || password.is_empty() {
        return Err("the login or the password is empty".to_owned());
    }
    let address =
        AccountAddress::parse(login).ok().filter(|address| login.contains('@') && address.mailbox().is_some());
    let address = address.ok_or("the login is no address, so whose mail it is for can't be told: use `import csv`")?;
    let place = place(presets, smarthosts, host.trim(), &address)
        .ok_or("which server its pattern stands for can't be told: use `import csv`")?;
    let secret = DraftSecret::Password(SecretString::from(password));
    Ok(Draft { address, login: login.to_owned(), place, secret, users: Vec::new() })
}

/// The server that the pattern names, or the smarthost that it fits, or the provider whose customer the address is.
fn place(presets: &Presets, smarthosts: &[Smarthost], pattern: &str, address: &AccountAddress) -> Option<Destination> {
    let fits = |(host, _): &&Smarthost| match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(&end.to_lowercase()),
        None => host.eq_ignore_ascii_case(pattern),
    };
    let found = smarthosts.iter().find(fits).cloned();
    match found.or_else(|| (!pattern.contains('*')).then(|| (pattern.to_lowercase(), None))) {
        Some((host, port)) => Some(match (presets.of_host(&host), port) {
            (Some(preset), None) => Destination { provider: Some(preset.name), server: None },
            (_, port) => Destination::of_server(presets, netloc::server(host, port.unwrap_or(587), None)),
        }),
        None => {
            let preset = presets.of_domain(&address.domain())?;
            Some(Destination { provider: Some(preset.name), server: None })
        }
    }
}

/// `dc_smarthost='mail.gmx.net::587;other.example'`
fn smarthosts(file: &Path) -> Vec<Smarthost> {
    let Ok(text) = read(file) else { return Vec::new() };
    let value = text.lines().find_map(|line| line.trim().strip_prefix("dc_smarthost="));
    let list = value.unwrap_or_default().trim_matches(['\'', '"']);
    list.split(';').filter_map(|one| netloc::nexthop(&one.trim().replace("::", ":"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_server_or_fits_a_smarthost() {
        let smarthosts = [("mail.gmx.net".to_owned(), Some(587)), ("smtp.firma.example".to_owned(), Some(587))];
        let rows = [
            ("mail.gmx.net:anna@gmx.de:p:w", Ok("gmx")),
            ("*.gmx.net:anna@gmx.de:pw", Ok("gmx")),
            ("smtp.firma.example:anna@firma.example:pw", Ok("smtp.firma.example:587")),
            ("mail.other.example:anna@other.example:pw", Ok("mail.other.example:587")),
            ("*.nowhere.example:anna@web.de:pw", Ok("web.de")),
            ("*.nowhere.example:anna@nowhere.example:pw", Err("can't be told")),
            ("mail.gmx.net:anna:pw", Err("no address")),
            ("mail.gmx.net:anna@gmx.de", Err("expected HOST:LOGIN:PASSWORD")),
        ];
        for (line, expected) in rows {
            match (draft(&Presets::default(), &smarthosts, line), expected) {
                (Ok(draft), Ok(place)) => assert_eq!(draft.place.to_string(), place, "{line}"),
                (Err(why), Err(words)) => assert!(why.contains(words), "{line}: {why}"),
                (found, _) => panic!("{line}: {:?}", found.err()),
            }
        }
    }
}
