//! `sendvia lookup`: which account serves a sender, by which rule, and who may use it. Nothing secret is shown.
//!
//! The exit status is made for routing (Exim's `${run}`, shell scripts): 0 found, and with `--user` admitted; 1 not; 75
//! trouble, so that mail waits rather than taking another way.

use super::output;
use super::settings::Settings;
use crate::account::{self, Account, Found, Submitter};
use crate::config::Config;
use crate::relay::{account_for, account_of};
use crate::verdict::ExitStatus;
use crate::wire::mailbox::ReversePath;
use clap::Args;
use serde_json::{Value, json};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Whether this login may use the account; empty stands for mail without a login
    #[arg(long, value_name = "LOGIN", allow_hyphen_values = true)]
    user: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The envelope sender; empty or <> is the null reverse-path
    #[arg(value_name = "SENDER", allow_hyphen_values = true)]
    sender: String,
}

/// Looks the sender up.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    // An MTA asks by the exit status: a broken configuration is no answer.
    let Ok(config) = arguments.settings.load() else { return ExitStatus::TempFail };
    match find(&config, arguments) {
        Ok(Some(found)) => tell(&config, arguments, &found),
        Ok(None) => tell_none(arguments),
        Err(error) => {
            output::fail(&error, error.hint().as_deref());
            ExitStatus::TempFail
        }
    }
}

/// The account as a delivery would choose it. What is no address has no account.
fn find(config: &Config, arguments: &Arguments) -> Result<Option<Found>, account::AccountError> {
    let store = account::open(&config.accounts, config.presets.clone());
    match (ReversePath::parse(&arguments.sender), &arguments.user) {
        (Ok(reverse_path), Some(login)) => {
            account_for(store.as_ref(), config, &reverse_path, &Submitter::from_login(login))
        }
        (Ok(reverse_path), None) => account_of(store.as_ref(), &config.null_sender, &reverse_path),
        (Err(_), _) => Ok(None),
    }
}

fn tell(config: &Config, arguments: &Arguments, found: &Found) -> ExitStatus {
    let admitted =
        arguments.user.as_deref().map(|login| found.account.admits(&Submitter::from_login(login), config.authorise));
    match arguments.json {
        true => output::json(&for_scripts(&arguments.sender, found, admitted)),
        false => output::say(for_people(found, admitted)),
    }
    if admitted == Some(false) { ExitStatus::No } else { ExitStatus::Ok }
}

fn tell_none(arguments: &Arguments) -> ExitStatus {
    match arguments.json {
        true => output::json(&json!({"sender": arguments.sender, "found": false})),
        false => output::say(format_args!(
            "no account for {:?}\nhint: `sendvia account list` shows all; `sendvia account add ADDRESS` makes one",
            arguments.sender
        )),
    }
    ExitStatus::No
}

/// The account for scripts; `account show --json` prints the same.
pub(super) fn account_json(account: &Account) -> Value {
    let server = &account.submission;
    json!({
        "account": account.address.to_string(),
        "provider": account.provider,
        "server": {"host": server.host, "port": server.port, "tls": server.tls.to_string()},
        "login": account.login,
        "mechanisms": account.mechanisms.as_ref().map(|names| texts(names)),
        "secret": account.secret.kind(),
        "users": texts(&account.users),
        "identities": texts(&account.identities),
        "header_from": word(&account::HEADER_FROM_RULES, account.header_from),
        "envelope_from": word(&account::ENVELOPE_FROM_RULES, account.envelope_from),
        "received": word(&account::RECEIVED, account.received),
        "user_agent": word(&account::USER_AGENT, account.user_agent),
        "disabled": account.disabled,
        "file": account.origin.display().to_string(),
    })
}

/// The account for people; `account show` prints the same.
pub(super) fn account_pairs(account: &Account) -> Vec<(&'static str, String)> {
    let server = &account.submission;
    let mechanism = account.mechanisms.as_ref().map_or("the strongest that the server offers".to_owned(), |m| list(m));
    let mut pairs = vec![
        ("account", account.address.to_string()),
        ("provider", account.provider.clone().unwrap_or_else(|| "none".to_owned())),
        ("server", format!("{server}, tls {}", server.tls)),
        ("login", account.login.clone()),
        ("mechanism", mechanism),
        ("secret", account.secret.kind().to_owned()),
        ("users", if account.users.is_empty() { "nobody".to_owned() } else { list(&account.users) }),
        ("identities", list(&account.identities)),
        ("header From", word(&account::HEADER_FROM_RULES, account.header_from).to_owned()),
        ("envelope", word(&account::ENVELOPE_FROM_RULES, account.envelope_from).to_owned()),
        ("file", account.origin.display().to_string()),
    ];
    if account.disabled {
        pairs.push(("disabled", "yes: its mail is deferred".to_owned()));
    }
    pairs
}

fn for_scripts(sender: &str, found: &Found, admitted: Option<bool>) -> Value {
    let mut value = account_json(&found.account);
    value["sender"] = json!(sender);
    value["found"] = json!(true);
    value["rule"] = json!(found.rule.to_string());
    if let Some(admitted) = admitted {
        value["admitted"] = json!(admitted);
    }
    value
}

fn for_people(found: &Found, admitted: Option<bool>) -> String {
    let mut pairs = account_pairs(&found.account);
    pairs.insert(1, ("rule", found.rule.to_string()));
    if let Some(admitted) = admitted {
        pairs.push(("admitted", if admitted { "yes" } else { "no" }.to_owned()));
    }
    output::pairs(&pairs)
}

/// The configuration's word for a value.
fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn list(values: &[impl ToString]) -> String {
    texts(values).join(", ")
}
