//! `sendvia account list`

use super::super::lookup::account_json;
use super::super::output;
use super::super::settings::Settings;
use crate::account::{self, Account, Surveyed};
use crate::verdict::ExitStatus;
use clap::Args;
use serde_json::{Value, json};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists what is there; accounts that can't be used are listed as such.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = match arguments.settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let mut found = Vec::new();
    let store = account::open(&config.accounts, config.presets.clone());
    if let Err(error) = store.survey(&mut |surveyed| found.push(surveyed)) {
        output::fail(&error, error.hint().as_deref());
        return ExitStatus::Config;
    }
    match arguments.json {
        true => output::json(&Value::Array(found.iter().map(for_scripts).collect())),
        false => {
            let rows: Vec<Vec<String>> = found.iter().map(row).collect();
            output::say(output::table(&["account", "provider", "login", "users", "secret", "state"], &rows));
        }
    }
    ExitStatus::Ok
}

fn for_scripts(surveyed: &Surveyed) -> Value {
    let mut value = match &surveyed.account {
        Some(account) => account_json(account),
        None => json!({"file": surveyed.path.display().to_string()}),
    };
    value["alias"] = json!(surveyed.alias.as_ref().map(ToString::to_string));
    value["usable"] = json!(surveyed.account.is_some());
    value["problems"] = Value::Array(surveyed.problems.iter().map(output::problem_json).collect());
    value
}

fn row(surveyed: &Surveyed) -> Vec<String> {
    let Some(account) = &surveyed.account else {
        let name = surveyed.path.file_stem().unwrap_or_default().to_string_lossy();
        return [&name, "", "", "", "", "can't be used: see `sendvia check`"].map(str::to_owned).to_vec();
    };
    match &surveyed.alias {
        Some(alias) => {
            let state = format!("alias of {}", account.address);
            vec![alias.to_string(), String::new(), String::new(), String::new(), String::new(), state]
        }
        None => account_row(account),
    }
}

fn account_row(account: &Account) -> Vec<String> {
    let users = account.users.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    vec![
        account.address.to_string(),
        account.provider_name().to_owned(),
        account.login.clone(),
        if users.is_empty() { "nobody".to_owned() } else { users },
        account.secret.kind().to_owned(),
        if account.disabled { "disabled" } else { "enabled" }.to_owned(),
    ]
}
