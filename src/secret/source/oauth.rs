//! `oauth: {...}` from an account's file.

use super::read::{Sources, read as read_sources};
use crate::secret::SecretSource;
use crate::secret::http::require_secure;
use crate::secret::oauth::provider::Provider;
use crate::secret::oauth::{Client, ClientAuth, GrantKind, OAuthSource, Redirect};
use crate::yaml::{Section, Value};
use std::path::Path;
use url::Url;

const GRANTS: [(&str, GrantKind); 2] =
    [("refresh_token", GrantKind::RefreshToken), ("client_credentials", GrantKind::ClientCredentials)];
const CLIENT_AUTHS: [(&str, ClientAuth); 2] = [("form", ClientAuth::Form), ("basic", ClientAuth::Basic)];

/// Reads the registration. `preset` is the account's provider, whose token endpoints serve if none are named.
pub(super) fn read(value: &Value<'_>, base: &Path, preset: Option<&str>) -> Option<OAuthSource> {
    let mut section = value.section()?;
    section.hide_unknown_keys();
    let grant = section.optional("grant", |value| value.word(&GRANTS)).unwrap_or_default();
    let client = read_client(&mut section, grant, preset);
    let client_secret = read_nested(&mut section, "client_secret", base);
    let refresh_token = read_nested(&mut section, "refresh_token", base);
    if grant == GrantKind::ClientCredentials && client_secret.is_none() {
        section.field("client_secret").error("missing: `grant: client_credentials` needs the application's secret");
    }
    section.finish();
    Some(OAuthSource { client: client?, grant, client_secret, refresh_token })
}

fn read_client(section: &mut Section<'_>, grant: GrantKind, preset: Option<&str>) -> Option<Client> {
    let id = section.required("client_id", |value| value.line().map(str::to_owned));
    let tenant = section.optional("tenant", |value| value.line().map(str::to_owned));
    let row = read_provider(section, preset);
    let token_endpoint = section.optional("token_endpoint", read_url);
    let mut client = match (row, &token_endpoint) {
        (Some(row), _) => {
            let client = row.client(id.as_deref().unwrap_or_default(), tenant.as_deref(), grant);
            if client.is_none() {
                let problem = format!("{} offers no such grant, or the tenant is none", row.name);
                section.field("provider").error(problem);
            }
            client
        }
        (None, Some(endpoint)) => Some(unknown_provider(endpoint)),
        (None, None) => {
            let names: Vec<&str> = Provider::all().iter().map(|row| row.name).collect();
            let hint = format!("`provider:` one of {}, or `token_endpoint:`", names.join(", "));
            section.field("provider").error_with_hint("missing", hint);
            None
        }
    };
    override_client(section, client.as_mut(), token_endpoint);
    let client = client?;
    Some(Client { id: id?, ..client })
}

/// By its own name, or by the name of the account's provider.
fn read_provider(section: &mut Section<'_>, preset: Option<&str>) -> Option<&'static Provider> {
    match section.get("provider") {
        None => preset.and_then(Provider::find),
        Some(value) => {
            let row = Provider::find(value.line()?);
            if row.is_none() {
                let names: Vec<&str> = Provider::all().iter().map(|row| row.name).collect();
                value.error_with_hint(
                    "no endpoints are known of it",
                    format!("known: {}; or give `token_endpoint:`", names.join(", ")),
                );
            }
            row
        }
    }
}

fn unknown_provider(token_endpoint: &Url) -> Client {
    Client {
        id: String::new(),
        scope: String::new(),
        token_endpoint: token_endpoint.clone(),
        device_endpoint: None,
        authorization_endpoint: None,
        auth: ClientAuth::Form,
        redirect: Redirect::Loopback("127.0.0.1".to_owned()),
        authorization_extra: Vec::new(),
    }
}

/// What the file says itself stands before the row. Without a client the keys are looked at all the same.
fn override_client(section: &mut Section<'_>, client: Option<&mut Client>, token_endpoint: Option<Url>) {
    let scope = section.optional("scope", |value| value.line().map(str::to_owned));
    let device = section.optional("device_endpoint", read_url);
    let authorization = section.optional("authorization_endpoint", read_url);
    let redirect = section.optional("redirect_uri", |value| read_any_url(value));
    let auth = section.optional("client_auth", |value| value.word(&CLIENT_AUTHS));
    let Some(client) = client else { return };
    client.token_endpoint = token_endpoint.unwrap_or_else(|| client.token_endpoint.clone());
    client.scope = scope.unwrap_or_else(|| client.scope.clone());
    client.device_endpoint = device.or(client.device_endpoint.take());
    client.authorization_endpoint = authorization.or(client.authorization_endpoint.take());
    client.redirect = redirect.map_or_else(|| client.redirect.clone(), Redirect::Fixed);
    client.auth = auth.unwrap_or(client.auth);
}

fn read_any_url(value: &Value<'_>) -> Option<Url> {
    let url = Url::parse(value.line()?).ok();
    if url.is_none() {
        value.error("expected a URL");
    }
    url
}

/// Secrets go there, so it must be HTTPS.
fn read_url(value: &Value<'_>) -> Option<Url> {
    let url = read_any_url(value)?;
    if require_secure(&url).is_err() {
        value.error("expected an https URL (http only for a loopback address)");
        return None;
    }
    Some(url)
}

/// A source within the source.
fn read_nested(section: &mut Section<'_>, key: &'static str, base: &Path) -> Option<SecretSource> {
    let value = section.get(key)?;
    let mut nested = value.section()?;
    nested.hide_unknown_keys();
    let Sources { source, given } = read_sources(&mut nested, base, None);
    nested.finish();
    if given != 1 || matches!(source, Some(SecretSource::OAuth(_))) {
        value.error_with_hint("expected one source", "one of plain, file, command, env, credential, sealed");
        return None;
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Document;

    fn read_text(text: &str, preset: Option<&str>) -> Result<OAuthSource, String> {
        let document = Document::parse(Path::new("a.yaml"), text.as_bytes().to_vec());
        let source = read(&document.root(), Path::new("/a"), preset);
        let problems: Vec<String> = document.into_problems().iter().map(ToString::to_string).collect();
        source.filter(|_| problems.is_empty()).ok_or_else(|| problems.join("\n"))
    }

    #[test]
    fn a_providers_row_gives_what_the_file_does_not_say() {
        let source = read_text("client_id: app\n", Some("outlook")).expect("enough");
        assert_eq!(source.client.token_endpoint.path(), "/common/oauth2/v2.0/token");
        assert_eq!((source.client.id.as_str(), source.grant), ("app", GrantKind::RefreshToken));
        let text = "provider: google\nclient_id: app\nscope: x\nredirect_uri: https://localhost/done\nclient_auth: basic\n\
                    client_secret: {file: s}\nrefresh_token: {sealed: \"v1:0:x\"}\n";
        let source = read_text(text, None).expect("enough");
        assert_eq!((source.client.scope.as_str(), source.client.auth), ("x", ClientAuth::Basic));
        assert!(matches!(&source.client_secret, Some(SecretSource::File(path)) if path == Path::new("/a/s")));
        assert!(matches!(source.client.redirect, Redirect::Fixed(_)));
        let text = "token_endpoint: http://127.0.0.1:9/t\nclient_id: app\ngrant: client_credentials\nclient_secret: {env: S}\n";
        assert_eq!(read_text(text, None).expect("enough").grant, GrantKind::ClientCredentials);
    }

    #[test]
    fn what_is_missing_or_unsafe_is_told() {
        let rows = [
            ("provider: google\n", "client_id: missing"),
            ("client_id: a\n", "provider: missing"),
            ("client_id: a\nprovider: gmx\n", "no endpoints are known"),
            ("client_id: a\ntoken_endpoint: http://login.example/t\n", "expected an https URL"),
            (
                "client_id: a\nprovider: google\ngrant: client_credentials\nclient_secret: {env: S}\n",
                "offers no such grant",
            ),
            ("client_id: a\nprovider: microsoft\ngrant: client_credentials\n", "client_secret: missing"),
            ("client_id: a\nprovider: microsoft\ntenant: a/b\n", "tenant"),
            ("client_id: a\nprovider: microsoft\nrefresh_token: {plain: a, file: b}\n", "expected one source"),
            ("client_id: a\nprovider: microsoft\nrefresh_tokn: x\n", "did you mean `refresh_token`"),
        ];
        for (text, expected) in rows {
            let problems = read_text(text, None).err().unwrap_or_else(|| panic!("{text}"));
            assert!(problems.contains(expected), "{text}\n{problems}");
        }
    }
}
