//! `sendvia account test`: logs in as a delivery would, and says what came of it.

use super::super::failure::Failure;
use super::super::progress::Progress;
use super::super::settings::Settings;
use super::super::{output, runtime};
use super::change::{Site, address};
use super::proof::Diagnosis;
use crate::account::Account;
use crate::relay::Relay;
use crate::verdict::ExitStatus;
use clap::Args;
use serde_json::{Value, json};

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Test every account that is not disabled
    #[arg(long, conflicts_with = "addresses", required_unless_present = "addresses")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The accounts' addresses
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
}

/// How one login ended.
struct Tested {
    address: String,
    /// `at 192.0.2.1:465 by PLAIN`, or why not.
    result: Result<String, Diagnosis>,
}

/// Tests one account after the other: many logins at once would look like an attack.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let (accounts, mut unreadable) = match arguments.all {
        true => all(&site)?,
        false => (named(&site, &arguments.addresses)?, Vec::new()),
    };
    let mut progress = Progress::new("testing", accounts.len());
    let mut tested = Vec::new();
    for account in &accounts {
        tested.push(test(&site, account)?);
        progress.step();
    }
    drop(progress);
    tested.append(&mut unreadable);
    let bad = tested.iter().filter(|tested| tested.result.is_err()).count();
    match arguments.json {
        true => output::json(&Value::Array(tested.iter().map(for_scripts).collect())),
        false => for_people(&tested, bad),
    }
    Ok(if bad == 0 { ExitStatus::Ok } else { ExitStatus::No })
}

fn named(site: &Site, addresses: &[String]) -> Result<Vec<Account>, Failure> {
    addresses.iter().map(|text| Ok(site.standing(&address(text)?)?.account)).collect()
}

fn all(site: &Site) -> Result<(Vec<Account>, Vec<Tested>), Failure> {
    let (mut accounts, mut unreadable) = (Vec::new(), Vec::new());
    site.store.survey(&mut |one| match one.account {
        None => unreadable.push(Tested {
            address: one.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            result: Err(Diagnosis::unreadable()),
        }),
        Some(account) if one.alias.is_none() && !account.disabled => accounts.push(account),
        Some(_) => {}
    })?;
    Ok((accounts, unreadable))
}

fn test(site: &Site, account: &Account) -> Result<Tested, Failure> {
    let relay = Relay::new(site.config.clone());
    let preset = site.preset(account.provider.as_deref());
    let result = runtime::block_on(relay.prove(account, None))?;
    Ok(Tested {
        address: account.address.to_string(),
        result: result
            .map(|proven| format!("at {} by {}", proven.peer, proven.mechanism))
            .map_err(|unproven| Diagnosis::of(account, preset.as_ref(), &unproven)),
    })
}

fn for_scripts(tested: &Tested) -> Value {
    match &tested.result {
        Ok(how) => json!({"account": tested.address, "ok": true, "login": how}),
        Err(why) => json!({
            "account": tested.address, "ok": false, "kind": why.kind, "problem": why.problem, "remedy": why.remedy,
        }),
    }
}

fn for_people(tested: &[Tested], bad: usize) {
    for one in tested {
        match &one.result {
            Ok(how) => output::say(format_args!("ok   {}: logged in {how}", one.address)),
            Err(why) => output::say(format_args!("FAIL {}: {}\n     hint: {}", one.address, why.problem, why.remedy)),
        }
    }
    if tested.len() != 1 {
        output::say(format_args!("{} of {} accounts log in", tested.len() - bad, tested.len()));
    }
}
