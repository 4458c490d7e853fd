//! What MTAs are told: keys of the policy service, of look-up tables and of the login's way over LMTP.

use super::Language;
use std::path::PathBuf;
use std::time::Duration;

/// `policy:`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// What follows `FILTER` for mail whose sender has no account while its login has one; such mail is left alone
    /// where nothing is said.
    pub filter: Option<String>,
    /// In which language customers are refused.
    pub language: Language,
}

/// `map:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapConfig {
    /// What the table `transport` holds for every sender with an account.
    pub transport: String,
}

/// `login_field:` How the login reaches us over LMTP, which has no word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFieldConfig {
    /// The private file with the key by which the policy service signs for Postfix, and LMTP verifies.
    pub key_file: Option<PathBuf>,
    /// The private file with the key by which Exim signs.
    pub exim_key_file: Option<PathBuf>,
    /// For how long a field of the policy service is believed: longer than a message can lie in the queue.
    pub lifetime: Duration,
}

impl Default for MapConfig {
    fn default() -> MapConfig {
        MapConfig { transport: "sendvia:".to_owned() }
    }
}

/// Twice Postfix's `maximal_queue_lifetime`.
pub(super) const LOGIN_FIELD_LIFETIME: Duration = Duration::from_secs(10 * 24 * 3600);
