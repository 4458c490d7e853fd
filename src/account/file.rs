//! An account's file: YAML to [`Account`], with every problem told at once.

use super::address::AccountAddress;
use super::preset::{self, Preset, Presets};
use super::server::{Server, TlsMode};
use super::terms::{ENVELOPE_FROM_RULES, HEADER_FROM_RULES, RECEIVED, USER_AGENT};
use super::{Account, Aliases, EnvelopeFromRule, HeaderFromRule, User, name};
use crate::secret::{SecretSource, source};
use crate::wire::mailbox::Mailbox;
use crate::yaml::{Document, Problem, Section, Value, nearest};
use std::path::Path;

/// What reading an account needs to know beside its file.
pub struct Context<'c> {
    /// The providers it may name.
    pub presets: &'c Presets,
    /// The address that the file's name stands for; `None` where it is a digest.
    pub address: Option<AccountAddress>,
    /// The directory that paths in it are relative to.
    pub base: &'c Path,
    /// Who owns the file.
    pub owner_uid: Option<u32>,
}

/// Reads `octets` as the content of the account file `path`. Gives the account unless there are errors, and the
/// problems, warnings among them.
pub fn read(path: &Path, octets: Vec<u8>, context: Context<'_>) -> (Option<Account>, Vec<Problem>) {
    let document = Document::parse(path, octets);
    if !document.is_readable() {
        return (None, document.into_problems());
    }
    let account = read_account(path, &document.root(), context);
    let sound = !document.has_errors();
    (account.filter(|_| sound), document.into_problems())
}

fn read_account(path: &Path, root: &Value<'_>, context: Context<'_>) -> Option<Account> {
    if root.is_null() {
        root.error_with_hint("the file is empty", "`sendvia account add` writes a whole one");
        return None;
    }
    let mut section = root.section()?;
    section.hide_unknown_keys();
    let address = read_address(path, &mut section, context.address);
    let provider = section.optional("provider", |value| read_provider(value, context.presets));
    let submission = read_server(&mut section, provider.as_ref());
    let login = read_login(&mut section, address.as_ref());
    let identities = section.optional("identities", |value| value.each(read_identity)).unwrap_or_default();
    let header_from = section.optional("header_from", |value| value.word(&HEADER_FROM_RULES));
    let envelope_from = section.optional("envelope_from", |value| value.word(&ENVELOPE_FROM_RULES));
    let preset = provider.as_ref();
    let account = Account {
        login: login.unwrap_or_default(),
        submission: submission.unwrap_or_else(nowhere),
        names_server: section.get("submission").is_some(),
        secret: section
            .required("secret", |value| read_secret(context.base, value, preset.map(|preset| preset.name.as_str())))
            .unwrap_or_else(no_secret),
        users: section.optional("users", read_users).unwrap_or_default(),
        identities,
        header_from: header_from.or(preset.map(|preset| preset.header_from)).unwrap_or_default(),
        envelope_from: envelope_from.or(preset.map(|preset| preset.envelope_from)).unwrap_or_default(),
        mechanisms: section
            .optional("mechanisms", preset::read_mechanisms)
            .or(preset.and_then(|preset| preset.mechanisms.clone())),
        disabled: section.optional("disabled", Value::bool).unwrap_or_default(),
        received: section.optional("received", |value| value.word(&RECEIVED)).unwrap_or_default(),
        user_agent: section.optional("user_agent", |value| value.word(&USER_AGENT)).unwrap_or_default(),
        danger_plaintext_auth: section.optional("danger_plaintext_auth", Value::bool).unwrap_or_default(),
        routes: section
            .optional("routes", |value| value.one_or_each(|route| route.line().map(str::to_owned)))
            .unwrap_or_default(),
        limits: section.optional("limits", preset::read_limits).unwrap_or_default(),
        provider: provider.map(|preset| preset.name),
        origin: path.to_owned(),
        owner_uid: context.owner_uid,
        aliases: Aliases::default(),
        address: address?,
    };
    check_own_address(&section, &account);
    check_plaintext(&section, &account);
    section.finish();
    Some(account)
}

/// Stands in an account that has errors, and so is never used.
fn nowhere() -> Server {
    Server { host: String::new(), port: 0, tls: TlsMode::Implicit }
}

/// Stands in an account that has errors, and so is never used.
fn no_secret() -> SecretSource {
    SecretSource::Env(String::new())
}

/// The address by the file's name; `address` in the file is needed where the name is a digest, and must fit the name.
fn read_address(path: &Path, section: &mut Section<'_>, by_name: Option<AccountAddress>) -> Option<AccountAddress> {
    let Some(value) = section.get("address") else {
        if by_name.is_none() {
            section.field("address").error("missing: the file's name does not tell the address");
        }
        return by_name;
    };
    let Ok(address) = AccountAddress::parse(value.line()?) else {
        value.error("expected an address, or @ and a domain");
        return None;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name::of(&address) != name {
        let hint = format!("the file of this address is called {}", name::of(&address));
        value.error_with_hint("the file's name stands for another address", hint);
        return None;
    }
    Some(address)
}

fn read_provider(value: &Value<'_>, presets: &Presets) -> Option<Preset> {
    let name = value.line()?;
    let preset = presets.find(name);
    if preset.is_none() {
        let names: Vec<String> = presets.all().into_iter().map(|preset| preset.name).collect();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known: {}; or give `submission: {{host: ..}}`", names.join(", ")),
        };
        value.error_with_hint("unknown provider", hint);
    }
    preset
}

/// `submission` says where to; a provider is the other way to say it.
fn read_server(section: &mut Section<'_>, provider: Option<&Preset>) -> Option<Server> {
    let names_provider = section.get("provider").is_some();
    match section.get("submission") {
        Some(value) => preset::read_submission(&value),
        None if names_provider => provider?.submission.first().cloned(),
        None => {
            let hint = "give `provider: NAME`, or `submission: {host: .., port: .., tls: ..}`";
            section.field("provider").error_with_hint("missing", hint);
            None
        }
    }
}

fn read_login(section: &mut Section<'_>, address: Option<&AccountAddress>) -> Option<String> {
    if let Some(value) = section.get("login") {
        return value.line().map(str::to_owned);
    }
    match address? {
        AccountAddress::Mailbox(mailbox) => Some(mailbox.to_string()),
        AccountAddress::Domain(_) => {
            section.field("login").error_with_hint("missing", "an account of a domain has no address to log in with");
            None
        }
    }
}

fn read_identity(value: &Value<'_>) -> Option<Mailbox> {
    let mailbox = Mailbox::parse(value.line()?).ok().filter(|mailbox| !mailbox.domain().is_empty());
    if mailbox.is_none() {
        value.error("expected an address");
    }
    mailbox
}

fn read_users(value: &Value<'_>) -> Option<Vec<User>> {
    value.each(|entry| {
        let user = User::parse(entry.line()?);
        match &user {
            User::UnixUser(name) if name.is_empty() => {
                entry.error_with_hint("expected a Unix user behind `unix:`", "unix:anna");
                return None;
            }
            User::Anonymous => entry.warning(
                "mail without a login may use this account, and the envelope sender is easily forged",
                "list the logins that may use it",
            ),
            _ => {}
        }
        Some(user)
    })
}

/// Exactly one source.
fn read_secret(base: &Path, value: &Value<'_>, preset: Option<&str>) -> Option<SecretSource> {
    if value.is_text() {
        value.error_with_hint(
            "expected a mapping, but found text",
            "write `secret: {plain: ..}`, or better `{file: ..}`",
        );
        return None;
    }
    let mut section = value.section()?;
    section.hide_unknown_keys();
    let sources = source::read(&mut section, base, preset);
    let given = sources.given;
    section.finish();
    if given != 1 {
        let hint = "one of plain, file, command, env, credential, sealed, secret_service, oauth";
        value.error_with_hint(format!("expected one source, but found {given}"), hint);
    }
    sources.source.filter(|_| given == 1)
}

/// Rewriting needs an address to put in.
fn check_own_address(section: &Section<'_>, account: &Account) {
    let rewrites = account.header_from == HeaderFromRule::Rewrite || account.envelope_from == EnvelopeFromRule::Rewrite;
    let has_none = account.login_address().is_none()
        && account.address.mailbox().is_none_or(|own| own.domain().is_empty())
        && account.identities.is_empty();
    if rewrites && has_none {
        let hint = "list one, or set `header_from: require` and `envelope_from: keep`";
        section.field("identities").error_with_hint("missing: the provider wants an address of this account's", hint);
    }
}

/// A password in the clear is for this host, or for who says that he knows.
fn check_plaintext(section: &Section<'_>, account: &Account) {
    let host = account.submission.host.as_str();
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if account.submission.tls == TlsMode::None && !is_here && !account.danger_plaintext_auth && !host.is_empty() {
        let hint = "use `implicit` or `starttls`; `danger_plaintext_auth: true` sends the password in the clear";
        section.field("submission").error_with_hint("`tls: none` is for a loopback address only", hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(address: &str, text: &str) -> (Option<Account>, Vec<String>) {
        let address = AccountAddress::parse(address).expect("an address");
        let context =
            Context { presets: &Presets::default(), address: Some(address), base: Path::new(""), owner_uid: None };
        let (account, problems) = read(Path::new("f.yaml"), text.as_bytes().to_vec(), context);
        (account, problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn a_preset_says_what_the_file_does_not() {
        let (account, problems) = read_as("anna@gmx.de", "provider: GMX\nsecret: {plain: x}\n");
        let account = account.unwrap_or_else(|| panic!("{problems:?}"));
        assert_eq!(account.submission.to_string(), "mail.gmx.net:465");
        assert_eq!((account.provider.as_deref(), account.login.as_str()), (Some("gmx"), "anna@gmx.de"));
        assert_eq!(account.header_from, HeaderFromRule::Require);
        assert_eq!(account.envelope_from, EnvelopeFromRule::Rewrite);
        assert!(account.users.is_empty());
    }

    #[test]
    fn without_a_preset_header_from_is_required_and_the_envelope_kept() {
        let text = "submission: {host: mail.example.org, port: 587}\nsecret: {env: PW}\nlogin: anna\n";
        let (account, problems) = read_as("anna@example.org", text);
        let account = account.unwrap_or_else(|| panic!("{problems:?}"));
        assert_eq!((account.header_from, account.envelope_from), (HeaderFromRule::Require, EnvelopeFromRule::Keep));
        assert_eq!((account.submission.tls, account.submission.port), (TlsMode::StartTls, 587));
    }

    #[test]
    fn every_error_tells_line_field_problem_and_all_come_at_once() {
        let text = "provder: gmx\nlogin: 42\nusers: anna\nidentities: [a@b.example, nobody, 7]\nsecret:\n  plian: canary\n\
                    header_from: requir\nsubmission:\n  port: 99999\n  tls: ssl\nlogin: anna\ndisabled: yes please\n";
        let (account, problems) = read_as("anna@gmx.de", text);
        assert!(account.is_none());
        let expected = [
            "f.yaml:1: provder: unknown key\nhint: did you mean `provider`?",
            "f.yaml:2: login: expected text, but found a number\nhint: put it in quotes",
            "f.yaml:3: users: expected a list, but found text\nhint: put it in brackets: [a, b]",
            "f.yaml:4: identities[1]: expected an address",
            "f.yaml:4: identities[2]: expected text, but found a number\nhint: put it in quotes",
            "f.yaml:6: secret.plian: unknown key\nhint: did you mean `plain`?",
            "f.yaml:6: secret: expected one source, but found 0\nhint: one of plain, file, command, env, credential, sealed, secret_service, oauth",
            "f.yaml:7: header_from: expected one of require, rewrite, accept\nhint: did you mean `require`?",
            "f.yaml:9: submission.host: missing",
            "f.yaml:9: submission.port: expected a number from 1 to 65535",
            "f.yaml:10: submission.tls: expected one of implicit, starttls, none",
            "f.yaml:11: login: stands here twice\nhint: keep one of the two",
            "f.yaml:12: disabled: expected true or false, but found text",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn nothing_that_may_be_a_secret_is_told() {
        let rows = [
            "secret: canary\nprovider: gmx\n",
            "secret: {canary}\nprovider: gmx\n",
            "secret: {canary: }\nprovider: gmx\n",
            "secret: [canary]\nprovider: gmx\n",
            "secret: {plain: [canary]}\nprovider: gmx\n",
            "secret: {plain: canary, file: canary}\nprovider: gmx\n",
            "secret: {command: \"canary 'open\"}\nprovider: gmx\n",
            "secret: {env: canary/x}\nprovider: gmx\n",
            "provider: canary\nsecret: {plain: x}\n",
            "Canary1: x\nsecret: {plain: canary}\n",
            "- canary\n",
            "canary\n",
            "secret:\n  plain: canary\n bad: indentation\n",
            "secret: {plain: 'canary}\n",
            "secret: {plain: \"can\\qary canary\"}\n",
            "header_from: canary\nlogin: \"canary\\n\"\nsubmission: {host: \"canary canary\"}\n",
        ];
        for text in rows {
            let (account, problems) = read_as("anna@gmx.de", text);
            assert!(account.is_none(), "{text}");
            let told = problems.join("\n").to_lowercase();
            assert!(!told.contains("canary"), "{text}: {told}");
        }
    }

    #[test]
    fn a_password_in_the_clear_is_for_this_host_or_for_who_says_so() {
        let rows = [
            ("127.0.0.1", "", true),
            ("localhost", "", true),
            ("\"[::1]\"", "", true),
            ("mail.example.org", "", false),
            ("192.0.2.1", "", false),
            ("mail.example.org", "danger_plaintext_auth: true\n", true),
        ];
        for (host, more, expected) in rows {
            let text = format!("submission: {{host: {host}, port: 25, tls: none}}\nsecret: {{plain: x}}\n{more}");
            let (account, problems) = read_as("anna@example.org", &text);
            assert_eq!(account.is_some(), expected, "{host} {problems:?}");
        }
    }

    #[test]
    fn a_domains_account_needs_a_login_and_an_address_to_rewrite_to() {
        let (account, problems) = read_as("@example.org", "provider: gmx\nsecret: {plain: x}\n");
        assert!(account.is_none() && problems[0].starts_with("f.yaml:1: login: missing"), "{problems:?}");
        let (account, problems) = read_as("@example.org", "provider: gmx\nlogin: \"4711\"\nsecret: {plain: x}\n");
        assert!(account.is_none() && problems[0].starts_with("f.yaml:1: identities: missing"), "{problems:?}");
        let text = "submission: {host: mail.example.org}\nlogin: all\nsecret: {plain: x}\n";
        let account = read_as("@example.org", text).0.expect("an account");
        for (address, expected) in [("a@example.org", true), ("A@EXAMPLE.org", true), ("a@example.com", false)] {
            assert_eq!(account.is_identity(&Mailbox::parse(address).expect("an address")), expected, "{address}");
        }
    }

    #[test]
    fn secrets_come_from_one_source_of_many_kinds() {
        let rows = [
            ("{plain: x}", Some("plain")),
            ("{file: pw}", Some("file")),
            ("{command: pass show gmx}", Some("command")),
            ("{command: [pass, show, gmx], timeout: 5s}", Some("command")),
            ("{command: 'pass show gmx | head -1', shell: true}", Some("command")),
            ("{env: GMX_PASSWORD}", Some("env")),
            ("{credential: gmx}", Some("credential")),
            ("{credential: ../gmx}", None),
            ("{sealed: 'v1:0:x'}", Some("sealed")),
            ("{command: []}", None),
            ("{timeout: 5s}", None),
            ("{}", None),
        ];
        for (source, expected) in rows {
            let (account, problems) = read_as("anna@gmx.de", &format!("provider: gmx\nsecret: {source}\n"));
            assert_eq!(account.as_ref().map(|account| account.secret.kind()), expected, "{source}: {problems:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let address = AccountAddress::parse("anna@gmx.de").expect("an address");
            let context = Context { presets: &Presets::default(), address: Some(address), base: Path::new(""), owner_uid: None };
            let (account, problems) = read(Path::new("f.yaml"), octets, context);
            proptest::prop_assert!(account.is_some() || !problems.is_empty());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z:{}\\[\\], \n'\"&*!|>%@`#?-]{0,120}") {
            let address = AccountAddress::parse("anna@gmx.de").expect("an address");
            let context = Context { presets: &Presets::default(), address: Some(address), base: Path::new(""), owner_uid: None };
            let (account, problems) = read(Path::new("f.yaml"), text.into_bytes(), context);
            proptest::prop_assert!(account.is_some() || !problems.is_empty());
        }
    }
}
