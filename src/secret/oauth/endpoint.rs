//! One request to a token endpoint, and what its answer means (RFC 6749 sections 4 to 6).

use super::{Client, ClientAuth};
use crate::secret::http::{HttpClient, HttpError, HttpReply};
use crate::wire::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

/// Longest text of a server's that is kept, in characters.
const MAX_DESCRIPTION: usize = 400;

/// What a token endpoint gave.
pub struct Granted {
    /// Opens the mail server, for a while.
    pub access: SecretString,
    /// Gets the next access token; absent where the old one stays (RFC 6749 section 6) or none is given.
    pub refresh: Option<SecretString>,
    /// For how long the access token is good, in seconds, counted from the request.
    pub lifetime: Option<u64>,
}

/// Why a token endpoint gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// It said no, and a person has to act: the refresh token is revoked, the client secret ran out, consent is gone.
    #[error("{endpoint} refused: {code}{description}", description = colon(description))]
    Refused {
        /// The host asked.
        endpoint: String,
        /// The error code (RFC 6749 section 5.2).
        code: String,
        /// Its text, one line, without secrets.
        description: String,
    },
    /// A person has not decided yet (RFC 8628 section 3.5: `authorization_pending`, `slow_down`).
    #[error("{code}")]
    Pending {
        /// Which of the two.
        code: String,
    },
    /// It is in trouble, or answers what is no answer.
    #[error("{endpoint}: {detail}")]
    Trouble {
        /// The host asked.
        endpoint: String,
        /// What it said.
        detail: String,
    },
    /// It was not reached.
    #[error(transparent)]
    Unreached(#[from] HttpError),
}

fn colon(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(": {description}") }
}

impl TokenRefusal {
    /// Whether asking again the same way can't help before a person has acted.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, TokenRefusal::Refused { .. })
    }
}

/// RFC 6749 sections 5.1 and 5.2, and RFC 8628 section 3.5: success and failure in one, since servers mix up status codes.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<Hidden>,
    refresh_token: Option<Hidden>,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

/// A string that goes from JSON to a wiped one, without a copy between.
struct Hidden(SecretString);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hidden, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Hidden;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hidden, E> {
                Ok(Hidden(SecretString::from(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A number, or a number in quotes, as some servers write it.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_u64().or(number.as_f64().map(|seconds| seconds.max(0.0) as u64)),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// Asks the token endpoint with `parameters`, the client's own added.
///
/// # Errors
/// [`TokenRefusal`]; no secret is in it, even where the server's text repeats one.
pub async fn request(
    http: &HttpClient,
    client: &Client,
    client_secret: Option<&SecretString>,
    parameters: &[(&str, &str)],
) -> Result<Granted, TokenRefusal> {
    let mut form = parameters.to_vec();
    let authorization = authenticate(client, client_secret, &mut form);
    let reply = http.post_form(&client.token_endpoint, &form, authorization.as_ref()).await?;
    let endpoint = client.token_endpoint.host_str().unwrap_or_default();
    judge(endpoint, &reply, &form)
}

/// Adds who the client is, to the form or as the header returned.
pub(super) fn authenticate<'a>(
    client: &'a Client,
    secret: Option<&'a SecretString>,
    form: &mut Vec<(&'a str, &'a str)>,
) -> Option<SecretString> {
    match (client.auth, secret) {
        (ClientAuth::Basic, Some(secret)) => Some(basic(&client.id, secret)),
        (_, secret) => {
            form.push(("client_id", &client.id));
            if let Some(secret) = secret {
                form.push(("client_secret", secret.expose_secret()));
            }
            None
        }
    }
}

/// RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
fn basic(id: &str, secret: &SecretString) -> SecretString {
    let encode = |text: &str| Zeroizing::new(url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", *encode(id), *encode(secret.expose_secret())));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    SecretString::from(format!("Basic {}", *encoded))
}

fn judge(endpoint: &str, reply: &HttpReply, form: &[(&str, &str)]) -> Result<Granted, TokenRefusal> {
    let trouble = |detail: String| TokenRefusal::Trouble { endpoint: endpoint.to_owned(), detail };
    let answer: Result<Answer, _> = serde_json::from_slice(&reply.body);
    let Ok(answer) = answer else {
        // Not serde's own text: it would repeat part of the body.
        return Err(trouble(format!("HTTP status {}, and what came with it is no token answer", reply.status)));
    };
    if let Some(code) = answer.error {
        let description = hide(answer.error_description.unwrap_or_default(), form);
        return Err(refused(endpoint, reply.status, &hide(code, form), &description));
    }
    let is_bearer = answer.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    match answer.access_token {
        Some(Hidden(access)) if reply.status < 300 && is_bearer && is_token(&access) => Ok(Granted {
            access,
            refresh: answer.refresh_token.map(|Hidden(token)| token).filter(|token| !token.expose_secret().is_empty()),
            lifetime: answer.expires_in,
        }),
        Some(_) if !is_bearer => Err(trouble("it gave a token that is not a bearer token".to_owned())),
        Some(_) | None => Err(trouble(format!("HTTP status {} without a usable token", reply.status))),
    }
}

/// What the answer to another request of a client's says when it is not what was asked for.
pub(super) fn refusal(url: &Url, reply: &HttpReply, form: &[(&str, &str)]) -> TokenRefusal {
    let endpoint = url.host_str().unwrap_or_default().to_owned();
    match judge(&endpoint, reply, form) {
        Err(refusal) => refusal,
        Ok(_) => TokenRefusal::Trouble { endpoint, detail: "it answered another question than was asked".to_owned() },
    }
}

/// RFC 6750 section 2.1, as it goes into the SASL response: control characters would end it early.
fn is_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|octet| octet.is_ascii_graphic())
}

fn refused(endpoint: &str, status: u16, code: &str, description: &str) -> TokenRefusal {
    let code = one_line(code.as_bytes(), 64);
    let description = one_line(description.as_bytes(), MAX_DESCRIPTION);
    match code.as_str() {
        "authorization_pending" | "slow_down" => TokenRefusal::Pending { code },
        // RFC 6749 section 4.1.2.1 has these two for trouble; and a server in trouble may say anything.
        "server_error" | "temporarily_unavailable" | "rate_limited" => {
            trouble_of(endpoint, status, &code, &description)
        }
        _ if status >= 500 || status == 429 => trouble_of(endpoint, status, &code, &description),
        _ => TokenRefusal::Refused { endpoint: endpoint.to_owned(), code, description },
    }
}

fn trouble_of(endpoint: &str, status: u16, code: &str, description: &str) -> TokenRefusal {
    TokenRefusal::Trouble {
        endpoint: endpoint.to_owned(),
        detail: format!("HTTP status {status}: {code}{}", colon(description)),
    }
}

/// Takes every secret of `form` out of the server's text.
fn hide(text: String, form: &[(&str, &str)]) -> String {
    let secrets = ["refresh_token", "client_secret", "code", "code_verifier", "device_code"];
    let values = form.iter().filter(|(name, value)| secrets.contains(name) && value.len() >= 4);
    values.fold(text, |text, (_, value)| text.replace(value, "[hidden]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> HttpReply {
        HttpReply { status, body: Zeroizing::new(body.as_bytes().to_vec()) }
    }

    #[test]
    fn an_answer_with_a_bearer_token_is_a_grant() {
        let rows = [
            (
                r#"{"access_token":"a","token_type":"Bearer","expires_in":3599,"refresh_token":"r"}"#,
                Some(3599),
                Some("r"),
            ),
            (r#"{"access_token":"a","token_type":"bearer","expires_in":"3600"}"#, Some(3600), None),
            (r#"{"access_token":"a","expires_in":12.9,"refresh_token":""}"#, Some(12), None),
            (r#"{"access_token":"a","expires_in":-4}"#, Some(0), None),
            (r#"{"access_token":"a","scope":"x","id_token":"y"}"#, None, None),
        ];
        for (body, lifetime, refresh) in rows {
            let granted = judge("x", &reply(200, body), &[]).unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
            assert_eq!(granted.access.expose_secret(), "a");
            assert_eq!(
                (granted.lifetime, granted.refresh.as_ref().map(|r| r.expose_secret())),
                (lifetime, refresh),
                "{body}"
            );
        }
    }

    #[test]
    fn a_refusal_needs_a_person_unless_the_server_is_in_trouble() {
        let rows = [
            (400, r#"{"error":"invalid_grant","error_description":"revoked\r\nTrace: 1"}"#, true),
            (401, r#"{"error":"invalid_client"}"#, true),
            (200, r#"{"error":"invalid_grant"}"#, true),
            (400, r#"{"error":"interaction_required"}"#, true),
            (503, r#"{"error":"invalid_grant"}"#, false),
            (400, r#"{"error":"temporarily_unavailable"}"#, false),
            (429, r#"{"error":"too_many"}"#, false),
            (500, "<html>", false),
            (200, "", false),
            (200, "{}", false),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, false),
            (200, "{\"access_token\":\"a\\u0001b\"}", false),
            (302, r#"{"access_token":"a"}"#, false),
        ];
        for (status, body, expected) in rows {
            let refusal = judge("x", &reply(status, body), &[]).err().unwrap_or_else(|| panic!("{status} {body}"));
            assert_eq!(refusal.needs_a_person(), expected, "{status} {body}");
            assert!(!refusal.to_string().contains(['\r', '\n']), "{refusal}");
        }
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_hidden() {
        let body = r#"{"error":"invalid_grant","error_description":"token canary-1 is bad"}"#;
        let form = [("refresh_token", "canary-1"), ("scope", "x")];
        let refusal = judge("x", &reply(400, body), &form).err().expect("refused");
        assert_eq!(refusal.to_string(), "x refused: invalid_grant: token [hidden] is bad");
    }

    #[test]
    fn nothing_of_a_broken_answer_is_repeated() {
        let refusal = judge("x", &reply(200, r#"{"access_token":"canary","expires_in":"#), &[]).err().expect("cut");
        assert!(!refusal.to_string().contains("canary"), "{refusal}");
    }

    #[test]
    fn basic_credentials_are_form_encoded_before_they_are_joined() {
        let header = basic("a:b", &SecretString::from("p w%"));
        let decoded = STANDARD.decode(header.expose_secret().trim_start_matches("Basic ")).expect("Base64");
        assert_eq!(decoded, b"a%3Ab:p+w%25");
    }
}
