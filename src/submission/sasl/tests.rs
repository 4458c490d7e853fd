//! Every mechanism against the example of its specification.

use super::super::credentials::{Credentials, Proof};
use super::*;
use crate::wire::reply::Reply;

const BINDING: [u8; 32] = [7; 32];

/// RFC 7677 section 3
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn password(login: &str, password: &str) -> Credentials {
    Credentials { login: login.into(), proof: Proof::Password(password.into()), mechanisms: None }
}

fn token(login: &str, token: &str) -> Credentials {
    Credentials { login: login.into(), proof: Proof::AccessToken(token.into()), mechanisms: None }
}

fn pinned(credentials: Credentials, mechanisms: &[Mechanism]) -> Credentials {
    Credentials { mechanisms: Some(mechanisms.to_vec()), ..credentials }
}

fn exchange(mechanism: Mechanism, credentials: &Credentials) -> Exchange {
    begin(mechanism, credentials, None)
}

fn begin(mechanism: Mechanism, credentials: &Credentials, binding: Option<[u8; 32]>) -> Exchange {
    let place = ("server.example.com", 587);
    Exchange::with_nonce(mechanism, credentials, place, binding, NONCE.into()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(mechanism: Mechanism, credentials: &Credentials) -> SaslError {
    match Exchange::new(mechanism, credentials, "server.example.com", 587, None) {
        Ok(_) => panic!("{mechanism} took {credentials:?}"),
        Err(error) => error,
    }
}

/// What the initial response says.
fn initial(exchange: &mut Exchange) -> String {
    plain_text(&exchange.initial_response().unwrap().unwrap())
}

/// What the answer to a challenge says, both without base64.
fn answer(exchange: &mut Exchange, challenge: &str) -> Result<String, SaslError> {
    exchange.respond(STANDARD.encode(challenge).as_bytes()).map(|line| plain_text(&line))
}

fn plain_text(line: &str) -> String {
    String::from_utf8(STANDARD.decode(line).unwrap()).unwrap()
}

#[test]
fn the_strongest_mechanism_that_all_allow_is_chosen() {
    use Mechanism::*;
    let all = "AUTH LOGIN PLAIN CRAM-MD5 XOAUTH2 OAUTHBEARER SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
    let (word, bearer) = (password("anna", "geheim"), token("anna", "geheim"));
    let rows = [
        (all, word.clone(), true, Some(ScramSha256Plus)),
        (all, word.clone(), false, Some(ScramSha256)),
        (all, bearer.clone(), true, Some(OAuthBearer)),
        ("AUTH LOGIN PLAIN XOAUTH2", bearer.clone(), true, Some(XOAuth2)),
        ("AUTH LOGIN PLAIN XOAUTH2", word.clone(), true, Some(Plain)),
        ("AUTH=LOGIN", word.clone(), true, Some(Login)),
        ("AUTH CRAM-MD5", word.clone(), true, None),
        ("AUTH CRAM-MD5 LOGIN", pinned(word.clone(), &[CramMd5]), true, Some(CramMd5)),
        ("AUTH CRAM-MD5 LOGIN", pinned(word.clone(), &[CramMd5, Login]), true, Some(Login)),
        (all, pinned(word.clone(), &[Login]), true, Some(Login)),
        (all, pinned(word.clone(), &[Login, Plain]), true, Some(Plain)),
        (all, pinned(word.clone(), &[ScramSha256Plus]), false, None),
        ("AUTH PLAIN LOGIN", pinned(word.clone(), &[ScramSha256]), true, None),
        (all, pinned(word.clone(), &[XOAuth2]), true, None),
        (all, pinned(bearer.clone(), &[Plain]), true, None),
        (all, pinned(word.clone(), &[]), true, None),
        ("AUTH PLAIN LOGIN", bearer, true, None),
        ("AUTH GSSAPI", word.clone(), true, None),
        ("SIZE", word, true, None),
    ];
    for (line, credentials, has_binding, expected) in rows {
        let lines = vec![b"greeting".to_vec(), line.as_bytes().to_vec()];
        let offered = Capabilities::parse(&Reply { code: 250, lines });
        assert_eq!(choose(&offered, &credentials, has_binding), expected, "{line} {credentials:?}");
    }
}

#[test]
fn an_initial_response_is_the_specifications() {
    let rows = [
        (Mechanism::Plain, password("tim", "tanstaaftanstaaf"), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
        // RFC 7628 section 4.2
        (
            Mechanism::OAuthBearer,
            token("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk5\
             2YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
        ),
        // Google, "OAuth 2.0 Mechanism"
        (
            Mechanism::XOAuth2,
            token("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMj\
             l0Q2cBAQ==",
        ),
    ];
    for (mechanism, credentials, expected) in rows {
        let mut exchange = exchange(mechanism, &credentials);
        assert_eq!(exchange.initial_response().unwrap().unwrap().as_str(), expected, "{mechanism}");
        exchange.finish().unwrap();
    }
}

#[test]
fn oauthbearer_escapes_a_login_that_would_end_its_header() {
    let mut exchange = exchange(Mechanism::OAuthBearer, &token("a,b=c", "t"));
    assert!(initial(&mut exchange).starts_with("n,a=a=2Cb=3Dc,\x01host="));
}

#[test]
fn login_answers_two_challenges_whatever_they_say() {
    for challenges in [["VXNlcm5hbWU6", "UGFzc3dvcmQ6"], ["", ""], ["Username:", "Password:"]] {
        let mut exchange = exchange(Mechanism::Login, &password("anna", "geheim"));
        assert!(exchange.initial_response().unwrap().is_none());
        assert_eq!(plain_text(&exchange.respond(challenges[0].as_bytes()).unwrap()), "anna");
        assert_eq!(plain_text(&exchange.respond(challenges[1].as_bytes()).unwrap()), "geheim");
        assert!(matches!(exchange.respond(b""), Err(SaslError::Unexpected(Mechanism::Login))));
        exchange.finish().unwrap();
    }
}

#[test]
fn cram_md5_answers_as_in_rfc_2195() {
    let mut exchange = exchange(Mechanism::CramMd5, &password("tim", "tanstaaftanstaaf"));
    assert!(exchange.initial_response().unwrap().is_none());
    let line = exchange.respond(b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+").unwrap();
    assert_eq!(line.as_str(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
    assert!(matches!(exchange.respond(b""), Err(SaslError::Unexpected(Mechanism::CramMd5))));
}

#[test]
fn scram_answers_as_in_rfc_7677_and_knows_the_server() {
    let mut exchange = exchange(Mechanism::ScramSha256, &password("user", "pencil"));
    assert_eq!(initial(&mut exchange), format!("n,,n=user,r={NONCE}"));
    assert_eq!(answer(&mut exchange, SERVER_FIRST).unwrap(), CLIENT_FINAL);
    assert!(matches!(exchange.finish(), Err(SaslError::Unproven)), "235 came too early");
    assert_eq!(answer(&mut exchange, SERVER_FINAL).unwrap(), "");
    exchange.finish().unwrap();
    assert!(answer(&mut exchange, SERVER_FINAL).is_err());
}

#[test]
fn scram_says_whether_it_would_have_bound() {
    let word = password("us=er,", "pencil");
    let plain_only = pinned(word.clone(), &[Mechanism::ScramSha256]);
    let rows = [
        (Mechanism::ScramSha256Plus, &word, Some(BINDING), "p=tls-exporter,,"),
        (Mechanism::ScramSha256, &word, Some(BINDING), "y,,"),
        (Mechanism::ScramSha256, &word, None, "n,,"),
        (Mechanism::ScramSha256, &plain_only, Some(BINDING), "n,,"),
    ];
    for (mechanism, credentials, binding, header) in rows {
        let mut exchange = begin(mechanism, credentials, binding);
        assert_eq!(initial(&mut exchange), format!("{header}n=us=3Der=2C,r={NONCE}"));
        let last = answer(&mut exchange, SERVER_FIRST).unwrap();
        let bound = last.strip_prefix("c=").and_then(|rest| rest.split(',').next()).unwrap();
        let material: &[u8] = if mechanism == Mechanism::ScramSha256Plus { &BINDING } else { &[] };
        assert_eq!(STANDARD.decode(bound).unwrap(), [header.as_bytes(), material].concat(), "{header}");
    }
    assert!(matches!(refused(Mechanism::ScramSha256Plus, &word), SaslError::NoBinding(_)));
}

#[test]
fn scram_ends_where_the_server_breaks_its_rules() {
    let nonce = "rOprNGfwEbeRWgbNEkqOx";
    let rows = [
        ("".to_owned(), "no nonce comes first"),
        (format!("m=ext,r={nonce},s=W22Z,i=4096"), "no nonce comes first"),
        ("r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096".to_owned(), "does not continue ours"),
        ("r=other,s=W22Z,i=4096".to_owned(), "does not continue ours"),
        (format!("r={nonce},s=,i=4096"), "no salt"),
        (format!("r={nonce},s=?,i=4096"), "no salt"),
        (format!("r={nonce},s=W22Z"), "no iteration count"),
        (format!("r={nonce},s=W22Z,i=x"), "no iteration count"),
        (format!("r={nonce},s=W22Z,i=4095"), "4095 rounds"),
        (format!("r={nonce},s=W22Z,i=4000000000"), "4000000000 rounds"),
    ];
    for (message, why) in rows {
        let mut exchange = exchange(Mechanism::ScramSha256, &password("user", "pencil"));
        initial(&mut exchange);
        let error = answer(&mut exchange, &message).unwrap_err().to_string();
        assert!(error.contains(why), "{message}: {error}");
        assert!(answer(&mut exchange, SERVER_FIRST).is_err(), "{message}: it went on");
        assert!(exchange.finish().is_err());
    }
}

#[test]
fn a_server_that_does_not_know_the_password_is_not_believed() {
    for last in ["v=AAAA", "v=", "x", "", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="] {
        let mut exchange = exchange(Mechanism::ScramSha256, &password("user", "pencil"));
        initial(&mut exchange);
        answer(&mut exchange, SERVER_FIRST).unwrap();
        assert!(answer(&mut exchange, last).is_err(), "{last}");
        assert!(matches!(exchange.finish(), Err(SaslError::Unproven)), "{last}");
    }
}

#[test]
fn scram_hears_why_the_server_refuses() {
    let mut exchange = exchange(Mechanism::ScramSha256, &password("user", "pencil"));
    initial(&mut exchange);
    answer(&mut exchange, SERVER_FIRST).unwrap();
    assert_eq!(answer(&mut exchange, "e=invalid-proof").unwrap(), "");
    assert_eq!(exchange.error_challenge(), Some("e=invalid-proof"));
    assert!(exchange.finish().is_err());
}

#[test]
fn a_refused_tokens_explanation_is_acknowledged_once_and_kept() {
    for (mechanism, expected) in [(Mechanism::XOAuth2, ""), (Mechanism::OAuthBearer, "AQ==")] {
        let mut exchange = exchange(mechanism, &token("anna", "geheim"));
        initial(&mut exchange);
        let challenge = STANDARD.encode("{\"status\":\"401\",\r\n\"schemes\":\"Bearer\"}");
        assert_eq!(exchange.respond(challenge.as_bytes()).unwrap().as_str(), expected);
        assert_eq!(exchange.error_challenge(), Some(r#"{"status":"401", "schemes":"Bearer"}"#));
        assert!(matches!(exchange.respond(b""), Err(SaslError::Unexpected(_))));
    }
}

#[test]
fn an_explanation_that_repeats_the_token_is_not_kept() {
    for said in
        ["{\"token\":\"geheim\"}".to_owned(), format!("{}geheim", "x".repeat(MAX_EXPLANATION - 3)), String::new()]
    {
        let mut exchange = exchange(Mechanism::XOAuth2, &token("anna", "geheim"));
        initial(&mut exchange);
        answer(&mut exchange, &said).unwrap();
        assert_eq!(exchange.error_challenge(), None, "{said}");
    }
}

#[test]
fn plain_has_nothing_to_say_to_a_challenge_after_its_message() {
    let mut exchange = exchange(Mechanism::Plain, &password("anna", "geheim"));
    initial(&mut exchange);
    assert!(matches!(exchange.respond(b""), Err(SaslError::Unexpected(Mechanism::Plain))));
}

#[test]
fn what_does_not_fit_on_the_command_line_waits_for_the_empty_challenge() {
    // "AUTH XOAUTH2 " and CR LF leave 497 octets: 124 groups of four, 372 octets of message.
    let around = "user=anna\x01auth=Bearer \x01\x01".len();
    for (length, fits) in [(372 - around, true), (373 - around, false), (2000, false)] {
        let mut exchange = exchange(Mechanism::XOAuth2, &token("anna", &"t".repeat(length)));
        let line = exchange.initial_response().unwrap();
        assert_eq!(line.is_some(), fits, "{length}");
        let line = line.unwrap_or_else(|| exchange.respond(b"").unwrap());
        assert_eq!(plain_text(&line).len(), around + length);
        assert_eq!(answer(&mut exchange, "{}").unwrap(), "");
        assert_eq!(exchange.error_challenge(), Some("{}"));
    }
}

#[test]
fn what_a_mechanism_cannot_carry_is_refused_without_showing_it() {
    let rows = [
        (Mechanism::Plain, password("an\0na", "geheim"), "the login cannot be sent: it holds a NUL"),
        (Mechanism::Plain, password("anna", "ge\0heim"), "the password cannot be sent: it holds a NUL"),
        (Mechanism::Login, password("anna", ""), "the password cannot be sent: it is empty"),
        (Mechanism::Login, password("", "geheim"), "the login cannot be sent: it is empty"),
        (Mechanism::XOAuth2, token("an\x01na", "geheim"), "the login cannot be sent: it holds a control character"),
        (Mechanism::XOAuth2, token("anna", "geheim\n"), "the access token cannot be sent: it holds a space"),
        (Mechanism::OAuthBearer, token("anna", "ge\x01heim"), "the access token cannot be sent: it holds a space"),
        (Mechanism::OAuthBearer, password("anna", "geheim"), "OAUTHBEARER does not go with these credentials"),
        (Mechanism::Plain, token("anna", "geheim"), "PLAIN does not go with these credentials"),
    ];
    for (mechanism, credentials, expected) in rows {
        let error = refused(mechanism, &credentials);
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("heim"), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_challenge_that_must_be_base64_and_is_not_ends_the_exchange() {
    for mechanism in [Mechanism::CramMd5, Mechanism::ScramSha256] {
        let mut exchange = exchange(mechanism, &password("anna", "geheim"));
        exchange.initial_response().unwrap();
        assert!(matches!(exchange.respond(b"???"), Err(SaslError::NotBase64)), "{mechanism}");
    }
}

#[test]
fn each_login_has_a_nonce_of_its_own() {
    let credentials = password("anna", "geheim");
    let first = || initial(&mut Exchange::new(Mechanism::ScramSha256, &credentials, "h", 587, None).unwrap());
    assert_ne!(first(), first());
}
