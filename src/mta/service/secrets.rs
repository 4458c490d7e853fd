//! Which command gives a secret, looked up in configuration and account by the process that runs it.

use crate::account::{self, Account, AccountAddress};
use crate::config::{Config, KeySource};
use crate::secret::SecretSource;
use crate::secret::commands::Wanted;
use crate::secret::source::SecretCommand;
use std::path::PathBuf;
use std::sync::Arc;

/// The field of an account's own secret.
const PASSWORD: &str = "password";

/// The configuration, as it was when it last could be read.
pub struct Secrets {
    config: Config,
    given: Option<PathBuf>,
}

impl Secrets {
    /// By `config`, which is read anew for each command from where it was, as `--config` was `given`.
    pub fn new(config: Config, given: Option<PathBuf>) -> Secrets {
        Secrets { config, given }
    }

    /// The command that gives what is wanted.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub fn command(&mut self, wanted: &Wanted) -> Result<SecretCommand, String> {
        // One that can't be read changes nothing, as with the service.
        self.config = Config::load(self.given.as_deref()).unwrap_or_else(|_| self.config.clone());
        match wanted {
            Wanted::Key => match self.config.key_source() {
                KeySource::Command(words) => Ok(SecretCommand::of_words(&words)),
                KeySource::File(_) | KeySource::Credential(_) => Err("the key comes from no command".to_owned()),
            },
            Wanted::Secret { account, field } => {
                let found = self.account(account)?;
                let source = source(&found, field);
                source.and_then(SecretSource::command).ok_or_else(|| format!("{account}: no command gives its {field}"))
            }
        }
    }

    fn account(&self, address: &str) -> Result<Arc<Account>, String> {
        let none = || format!("there is no account {address}");
        let parsed = AccountAddress::parse(address).map_err(|_| none())?;
        let store = account::open(&self.config.accounts, self.config.presets.clone());
        store.load(&parsed).map_err(|error| error.to_string())?.ok_or_else(none)
    }
}

fn source<'a>(account: &'a Account, field: &str) -> Option<&'a SecretSource> {
    match &account.secret {
        SecretSource::OAuth(oauth) => oauth.secret(field),
        own => (field == PASSWORD).then_some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_command_is_run_where_an_account_or_the_configuration_says_so_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sendvia.yaml");
        fs::write(&file, "key: {command: [print-key]}\n").unwrap();
        fs::create_dir(directory.path().join("accounts.d")).unwrap();
        let oauth = "{oauth: {client_id: a, refresh_token: {command: print-token}, client_secret: {plain: x}}}";
        for (address, secret) in [
            ("anna@gmx.de", "{command: [print-secret, anna]}"),
            ("berta@gmx.de", "{plain: x}"),
            ("carla@outlook.com", oauth),
            ("dora@gmx.de", "{secret_service: {service: mail}}"),
        ] {
            let provider = if address.ends_with("gmx.de") { "gmx" } else { "outlook" };
            let account = directory.path().join(format!("accounts.d/{address}.yaml"));
            fs::write(&account, format!("provider: {provider}\nsecret: {secret}\n")).unwrap();
            fs::set_permissions(&account, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut secrets = Secrets::new(Config::load(Some(&file)).unwrap(), Some(file.clone()));
        let secret = |account: &str, field: &str| Wanted::Secret { account: account.into(), field: field.into() };
        let rows = [
            (Wanted::Key, Ok("print-key")),
            (secret("anna@gmx.de", "password"), Ok("print-secret")),
            (secret("anna@gmx.de", "refresh-token"), Err("anna@gmx.de: no command gives its refresh-token")),
            (secret("berta@gmx.de", "password"), Err("berta@gmx.de: no command gives its password")),
            (secret("carla@outlook.com", "refresh-token"), Ok("print-token")),
            (
                secret("carla@outlook.com", "client-secret"),
                Err("carla@outlook.com: no command gives its client-secret"),
            ),
            (secret("carla@outlook.com", "password"), Err("carla@outlook.com: no command gives its password")),
            (secret("dora@gmx.de", "password"), Ok("secret-tool")),
            (secret("nobody@gmx.de", "password"), Err("there is no account nobody@gmx.de")),
            (secret("../../etc/passwd", "password"), Err("there is no account ../../etc/passwd")),
        ];
        for (wanted, expected) in rows {
            let found = secrets.command(&wanted).map(|command| command.line.program().to_owned());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{wanted:?}");
        }
        fs::write(&file, "nonsense: true\n").unwrap();
        assert!(secrets.command(&Wanted::Key).is_ok(), "one that can't be read changes nothing");
        fs::write(&file, "").unwrap();
        assert!(secrets.command(&Wanted::Key).is_err());
    }
}
