//! The endpoints of providers, as rows.

use super::{Client, ClientAuth, GrantKind, Redirect};
use url::Url;

/// One provider's endpoints and what it wants to be told.
#[derive(Debug)]
pub struct Provider {
    /// The name in `oauth: {provider: NAME}`.
    pub name: &'static str,
    /// Names of account presets that use it.
    pub presets: &'static [&'static str],
    /// RFC 6749 section 3.1; `{tenant}` stands for the directory.
    pub authorization: &'static str,
    /// RFC 6749 section 3.2.
    pub token: &'static str,
    /// RFC 8628 section 3.1.
    pub device: Option<&'static str>,
    /// The scope with which a person's token may submit, and is renewed.
    pub scope: &'static str,
    /// The scope for client credentials, where the provider lets an application submit by itself.
    pub application_scope: Option<&'static str>,
    /// How the client says who it is.
    pub auth: ClientAuth,
    /// The loopback host of the redirect: what the provider's registration form accepts (RFC 8252 section 7.3).
    pub redirect_host: &'static str,
    /// Further parameters of the authorization request.
    pub authorization_extra: &'static [(&'static str, &'static str)],
    /// Where all this is written.
    pub source: &'static str,
    /// What an administrator has to know.
    pub note: &'static str,
}

/// Used where `oauth: {tenant: ...}` says nothing: work, school and personal accounts.
const DEFAULT_TENANT: &str = "common";

static PROVIDERS: &[Provider] = &[
    Provider {
        name: "microsoft",
        presets: &["outlook", "microsoft365", "office365", "hotmail"],
        authorization: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        device: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"),
        scope: "https://outlook.office.com/SMTP.Send offline_access",
        application_scope: Some("https://outlook.office365.com/.default"),
        auth: ClientAuth::Form,
        redirect_host: "localhost",
        authorization_extra: &[("prompt", "select_account")],
        source: "https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth",
        note: "the device code flow needs `Allow public client flows` in the app registration; SMTP AUTH must be on for the mailbox",
    },
    Provider {
        name: "google",
        presets: &["gmail", "googlemail", "google-workspace"],
        authorization: "https://accounts.google.com/o/oauth2/v2/auth",
        token: "https://oauth2.googleapis.com/token",
        // Its device endpoint takes a short list of scopes, and mail is not among them:
        // https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes
        device: None,
        scope: "https://mail.google.com/",
        application_scope: None,
        auth: ClientAuth::Form,
        redirect_host: "127.0.0.1",
        // Without both of them there is no refresh token the second time.
        authorization_extra: &[("access_type", "offline"), ("prompt", "consent")],
        source: "https://developers.google.com/identity/protocols/oauth2/native-app",
        note: "register a client of type `Desktop app`; while its consent screen is in testing, refresh tokens end after 7 days",
    },
    Provider {
        name: "yahoo",
        presets: &["yahoo", "aol"],
        authorization: "https://api.login.yahoo.com/oauth2/request_auth",
        token: "https://api.login.yahoo.com/oauth2/get_token",
        device: None,
        scope: "mail-w",
        application_scope: None,
        auth: ClientAuth::Basic,
        redirect_host: "127.0.0.1",
        authorization_extra: &[],
        source: "https://senders.yahooinc.com/developer/documentation",
        note: "the mail scope is given to approved applications only; an app password is the usual way",
    },
];

impl Provider {
    /// The row of that name, or the one a preset of that name uses.
    pub fn find(name: &str) -> Option<&'static Provider> {
        let is_it = |row: &&Provider| {
            row.name.eq_ignore_ascii_case(name) || row.presets.iter().any(|preset| preset.eq_ignore_ascii_case(name))
        };
        PROVIDERS.iter().find(is_it)
    }

    /// All rows.
    pub fn all() -> &'static [Provider] {
        PROVIDERS
    }

    /// The client of that id at this provider. `None`, when the tenant makes no URL, or the grant is not offered.
    pub fn client(&self, id: &str, tenant: Option<&str>, grant: GrantKind) -> Option<Client> {
        let tenant = tenant.unwrap_or(DEFAULT_TENANT);
        if tenant.is_empty() || !tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')) {
            return None;
        }
        let url = |template: &str| Url::parse(&template.replace("{tenant}", tenant)).ok();
        let scope = match grant {
            GrantKind::RefreshToken => self.scope,
            GrantKind::ClientCredentials => self.application_scope?,
        };
        Some(Client {
            id: id.to_owned(),
            scope: scope.to_owned(),
            token_endpoint: url(self.token)?,
            device_endpoint: self.device.and_then(url),
            authorization_endpoint: url(self.authorization),
            auth: self.auth,
            redirect: Redirect::Loopback(self.redirect_host.to_owned()),
            authorization_extra: self
                .authorization_extra
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_makes_a_client_whose_endpoints_are_https() {
        for row in Provider::all() {
            let client = row.client("id", None, GrantKind::RefreshToken).unwrap_or_else(|| panic!("{}", row.name));
            let urls = [Some(client.token_endpoint), client.device_endpoint, client.authorization_endpoint];
            for url in urls.into_iter().flatten() {
                assert!(url.scheme() == "https" && !url.as_str().contains('{'), "{url}");
            }
            assert!(row.source.starts_with("https://") && !row.note.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn a_preset_finds_its_provider_and_a_tenant_cannot_leave_its_place() {
        assert_eq!(Provider::find("Gmail").map(|row| row.name), Some("google"));
        assert_eq!(Provider::find("gmx").map(|row| row.name), None);
        let microsoft = Provider::find("outlook").expect("a row");
        let client = microsoft.client("id", Some("contoso.example"), GrantKind::ClientCredentials).expect("a client");
        assert_eq!(client.token_endpoint.path(), "/contoso.example/oauth2/v2.0/token");
        assert_eq!(client.scope, "https://outlook.office365.com/.default");
        for tenant in ["", "a/b", "..%2f", "a?b", "a@b", "a b"] {
            assert_eq!(microsoft.client("id", Some(tenant), GrantKind::RefreshToken), None, "{tenant:?}");
        }
    }

    #[test]
    fn client_credentials_are_offered_only_where_the_provider_has_them() {
        let google = Provider::find("google").expect("a row");
        assert_eq!(google.client("id", None, GrantKind::ClientCredentials), None);
    }
}
