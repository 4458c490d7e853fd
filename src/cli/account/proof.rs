//! What a login that failed says to a person: what it was, the remedy, and the page to read.

use super::super::failure::Failure;
use crate::account::preset::Preset;
use crate::account::{Account, refusal};
use crate::relay::Unproven;
use crate::submission::{self, FailureKind};
use crate::verdict::{ExitStatus, Meaning, Stage, Verdict};
use crate::wire::reply::Reply;

/// Nobody answered.
const CONNECTION: &str = "connection";

/// A failed login in words.
pub(in crate::cli) struct Diagnosis {
    /// For scripts: a meaning's name, or `tls`, `tls-name`, `connection`, `route`, `secret`.
    pub(in crate::cli) kind: &'static str,
    pub(in crate::cli) problem: String,
    pub(in crate::cli) remedy: String,
    status: ExitStatus,
}

impl Diagnosis {
    /// Of a login at `account`, whose provider is `preset`.
    pub(in crate::cli) fn of(account: &Account, preset: Option<&Preset>, unproven: &Unproven) -> Diagnosis {
        match unproven {
            Unproven::Secret(error) => Diagnosis {
                kind: "secret",
                problem: format!("the secret can't be had: {error}"),
                remedy: error.hint().unwrap_or_else(|| "see `sendvia check`".to_owned()),
                status: ExitStatus::Config,
            },
            Unproven::Route(outcome) => Diagnosis {
                kind: "route",
                problem: format!("no way to the provider: {}", Verdict::from(outcome).text),
                remedy: "see `routes` of sendvia.yaml and of the account".to_owned(),
                status: ExitStatus::Config,
            },
            Unproven::Session(failure) => of_session(account, preset, failure),
        }
    }

    /// Of an account that can't be read.
    pub(super) fn unreadable() -> Diagnosis {
        Diagnosis {
            kind: "unreadable",
            problem: "the account can't be read".to_owned(),
            remedy: "`sendvia check` shows all that is wrong".to_owned(),
            status: ExitStatus::Config,
        }
    }

    /// The same as the end of a command that would have written the account.
    pub(in crate::cli) fn into_failure(self) -> Failure {
        let otherwise = if self.kind == CONNECTION { " `--no-verify` writes the account all the same" } else { "" };
        Failure::new(self.problem).hint(self.remedy + otherwise).status(self.status)
    }
}

fn of_session(account: &Account, preset: Option<&Preset>, failure: &submission::Failure) -> Diagnosis {
    let server = &account.submission;
    let told = |kind, what: &str, remedy: String, status| Diagnosis {
        kind,
        problem: format!("{what}: {server}: {failure}"),
        remedy,
        status,
    };
    match &failure.kind {
        FailureKind::Refused(reply) => refused(account, preset, failure.stage, reply),
        FailureKind::Tls(detail) if is_name(detail) => {
            let remedy = format!(
                "{} is not the name in its certificate: correct the host, or somebody stands between",
                server.host
            );
            told("tls-name", "TLS: the certificate is for another name", remedy, ExitStatus::Unavailable)
        }
        FailureKind::Tls(_) | FailureKind::Trust(_) => {
            let remedy = "is the TLS mode right for the port (465 implicit, 587 starttls)? a certificate authority of your own \
                          goes into `tls: {ca_file: ..}` of sendvia.yaml";
            told("tls", "TLS", remedy.to_owned(), ExitStatus::Unavailable)
        }
        FailureKind::NoMechanism(_) => {
            let remedy = match preset.and_then(|preset| preset.note.clone()) {
                Some(note) => note,
                None => {
                    "name mechanisms that the server offers under `mechanisms`, or log in with OAuth 2.0".to_owned()
                }
            };
            told("no-mechanism", "no common way to log in", remedy, ExitStatus::Unavailable)
        }
        FailureKind::Unprotected | FailureKind::Sasl(_) => {
            told("login", "no login", "see `tls` and `mechanisms` of the account".to_owned(), ExitStatus::Unavailable)
        }
        _ => {
            let remedy = "is the name right, and does a firewall let this host out to that port?";
            told(CONNECTION, "no connection", remedy.to_owned(), ExitStatus::TempFail)
        }
    }
}

/// rustls's words for a certificate of somebody else.
fn is_name(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    detail.contains("not valid for name") || detail.contains("notvalidforname")
}

fn refused(account: &Account, preset: Option<&Preset>, stage: Stage, reply: &Reply) -> Diagnosis {
    let known_as = account.provider.as_deref().unwrap_or(&account.submission.host);
    let found = refusal::classify(Some(known_as), stage, reply);
    let what = match (found.meaning, stage) {
        (Meaning::HostRefused, _) => "this host's address is refused, whoever logs in",
        (Meaning::CredentialsRefused, _) => "wrong login or password, or mail programs are not allowed in",
        (meaning, _) => meaning.in_words(),
    };
    let mut remedy = found.remedy.to_owned();
    let is_about_login = matches!(found.meaning, Meaning::CredentialsRefused | Meaning::AppPasswordNeeded);
    if let (true, Some(note)) = (is_about_login, preset.and_then(|preset| preset.note.as_ref())) {
        remedy = format!("{remedy} {}: {note}.", account.provider_name());
    }
    let page = found.page.or_else(|| preset.and_then(|preset| preset.page.clone()));
    if let Some(page) = page {
        remedy = format!("{remedy} See {page}");
    }
    Diagnosis {
        kind: found.meaning.name(),
        problem: format!("{what}: {} at {stage}: {reply}", account.provider_name()),
        remedy,
        status: if is_about_login { ExitStatus::NoPermission } else { ExitStatus::Unavailable },
    }
}
