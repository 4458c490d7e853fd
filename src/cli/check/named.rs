//! Files that `sendvia.yaml` names: certificates, the keys that sign logins, the logins of proxies.

use crate::config::{Config, RouteConfig, Way};
use crate::secret::login_field::LoginKey;
use crate::secret::{source, trust};
use crate::yaml::Problem;
use secrecy::ExposeSecret as _;
use std::path::Path;

/// All that is wrong with them.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tell = |field: &str, problem: String, hint: Option<String>| {
        let problem = Problem::of_file(config.file.clone().unwrap_or_default(), problem);
        problems.push(Problem { field: field.to_owned(), hint, ..problem });
    };
    if let Some(ca_file) = &config.ca_file
        && let Err(error) = trust::roots(Some(ca_file))
    {
        let hint = "name a PEM file with the authorities to believe".to_owned();
        tell("tls.ca_file", error.to_string(), Some(hint));
    }
    // Without its key no customer can submit, or no login is believed.
    if let Some(field) = &config.login_field {
        let keys = [("login_field.key_file", &field.key_file), ("login_field.exim_key_file", &field.exim_key_file)];
        for (name, file) in keys {
            if let Some(error) = file.as_ref().and_then(|file| LoginKey::read(file).err()) {
                tell(name, error.to_string(), error.hint());
            }
        }
    }
    for (index, route) in config.routes.iter().enumerate() {
        if let Some((problem, hint)) = wrong_login(route) {
            tell(&format!("routes[{index}].login_file"), problem, hint);
        }
    }
    problems
}

/// What is wrong with the login of a proxy or an upstream.
fn wrong_login(route: &RouteConfig) -> Option<(String, Option<String>)> {
    let (file, is_needed) = match &route.way {
        Way::Direct | Way::Local(_) => return None,
        Way::Socks5(proxy) | Way::Connect(proxy) => (proxy.login_file.as_deref(), false),
        Way::Upstream(server) => (server.login_file.as_deref(), true),
    };
    match file {
        Some(file) => unreadable(file),
        None if is_needed => {
            Some(("missing: an upstream needs a login".to_owned(), Some("USER:PASSWORD in a private file".to_owned())))
        }
        None => None,
    }
}

fn unreadable(file: &Path) -> Option<(String, Option<String>)> {
    match source::first_line(file) {
        Err(error) => Some((error.to_string(), error.hint())),
        Ok(line) if line.expose_secret().contains(':') => None,
        Ok(_) => Some((format!("{}: expected USER:PASSWORD", file.display()), None)),
    }
}
