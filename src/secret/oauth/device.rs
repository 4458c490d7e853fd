//! The device authorization grant (RFC 8628): a person agrees in a browser anywhere, this host needs none.

use super::endpoint::{self, Granted, TokenRefusal};
use super::{Client, endpoint::authenticate};
use crate::secret::http::HttpClient;
use crate::wire::text::one_line;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// RFC 8628 section 3.5: what `slow_down` adds, and the interval when the server names none.
const STEP: Duration = Duration::from_secs(5);
/// A server that names no end, or one far away, waits no longer than this.
const MAX_WAIT: Duration = Duration::from_secs(1800);
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the person is told, and what the token endpoint is asked with.
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where he types it.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code or a link.
    pub verification_uri_complete: Option<String>,
    code: SecretString,
    interval: Duration,
    expires: Instant,
}

/// Why the person's consent was not got.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The provider has no device endpoint for this.
    #[error("the provider offers no device code flow for submission")]
    NotOffered,
    /// The endpoint refused or is in trouble.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
    /// Nobody agreed in time.
    #[error("nobody entered the code in time")]
    Expired,
}

/// RFC 8628 section 3.2; Google calls the URI a URL.
#[derive(Deserialize)]
struct Answer {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Option<u64>,
    interval: Option<u64>,
}

/// Asks for a code (RFC 8628 section 3.1).
///
/// # Errors
/// [`DeviceError`].
pub async fn begin(
    http: &HttpClient,
    client: &Client,
    secret: Option<&SecretString>,
) -> Result<DeviceCode, DeviceError> {
    let url = client.device_endpoint.as_ref().ok_or(DeviceError::NotOffered)?;
    let mut form = vec![("scope", client.scope.as_str())];
    let authorization = authenticate(client, secret, &mut form);
    let reply = http.post_form(url, &form, authorization.as_ref()).await.map_err(TokenRefusal::from)?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        // An error in the token endpoint's form, or nothing that can be read.
        return Err(endpoint::refusal(url, &reply, &form).into());
    };
    let lifetime = answer.expires_in.map_or(MAX_WAIT, Duration::from_secs).min(MAX_WAIT);
    Ok(DeviceCode {
        user_code: one_line(answer.user_code.as_bytes(), 64),
        verification_uri: one_line(answer.verification_uri.as_bytes(), 256),
        verification_uri_complete: answer.verification_uri_complete.map(|uri| one_line(uri.as_bytes(), 512)),
        code: SecretString::from(answer.device_code),
        interval: answer.interval.map_or(STEP, Duration::from_secs).max(Duration::from_secs(1)),
        expires: Instant::now() + lifetime,
    })
}

/// Waits until the person has agreed, asking as often as the server allows (RFC 8628 section 3.5).
///
/// # Errors
/// [`DeviceError`]; trouble of the network or the server is waited out until the code expires.
pub async fn wait(
    http: &HttpClient,
    client: &Client,
    secret: Option<&SecretString>,
    device: &DeviceCode,
) -> Result<Granted, DeviceError> {
    let mut interval = device.interval;
    loop {
        tokio::time::sleep(interval).await;
        let form = [("grant_type", GRANT_TYPE), ("device_code", device.code.expose_secret())];
        match endpoint::request(http, client, secret, &form).await {
            Ok(granted) => return Ok(granted),
            Err(TokenRefusal::Pending { code }) if code == "slow_down" => interval += STEP,
            Err(TokenRefusal::Pending { .. }) => {}
            Err(TokenRefusal::Refused { code, .. }) if code == "expired_token" => return Err(DeviceError::Expired),
            Err(refusal) if refusal.needs_a_person() => return Err(refusal.into()),
            Err(_) => interval = (interval * 2).min(STEP * 12),
        }
        if Instant::now() + interval >= device.expires {
            return Err(DeviceError::Expired);
        }
    }
}
