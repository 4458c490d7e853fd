//! The field as Exim signs it in its transport.
//!
//! Exim says no XFORWARD, so nothing outside the field names the message: the field itself carries the queue id. What
//! keeps one from serving twice is that nobody sees any: Exim's transport makes it on the way to us, takes off what came
//! with the message, and we take it off again. It says when Exim received the message, and is the same at each try, so that
//! the journal knows the message again. Exim knows nothing better than HMAC-SHA-1, which is sound for this still; its key
//! is another than that of the policy service, so that neither's field can stand for the other's.
//!
//! ```abnf
//! body = "v=1; a=sha1; q=" queue-id "; t=" seconds "; l=" base64 "; s=" base64 "; h=" 40HEXDIG
//! ```

use super::{Disbelief, LoginKey, Parsed, folded, unfolded};
use crate::state::Moment;
use crate::wire::mailbox::ReversePath;
use hmac::Hmac;
use sha1::Sha1;
use std::time::Duration;

/// What a field of Exim's proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EximClaim {
    /// The login; none for mail that came without.
    pub login: Option<String>,
    /// Exim's id of the message.
    pub queue_id: String,
}

impl LoginKey {
    /// What the field with this `body` proves for a message of this sender.
    ///
    /// # Errors
    /// [`Disbelief`]: then the message counts as one without a login.
    pub fn verify_exim(
        &self,
        body: &[u8],
        sender: &ReversePath,
        now: Moment,
        lifetime: Duration,
    ) -> Result<EximClaim, Disbelief> {
        let text = unfolded(body)?;
        let field = Parsed::parse(&text, "sha1").ok_or(Disbelief::Malformed)?;
        let signed_for = ReversePath::parse(&field.sender).map_err(|_| Disbelief::Malformed)?;
        self.check::<Hmac<Sha1>>(&field)?;
        match () {
            () if folded(&signed_for) != folded(sender) => Err(Disbelief::OtherSender),
            () if !field.is_fresh(now, lifetime) => Err(Disbelief::Expired),
            () => Ok(EximClaim {
                login: Some(field.login).filter(|login| !login.is_empty()),
                queue_id: field.queue_id.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    /// Made by Exim 4.96: `exim -be` with the expression of contrib/exim/lmtp-main.conf, and this key.
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const SIGNED: &str = "v=1; a=sha1; q=1vNabc-000001-2x; t=1800000000; l=YW5uYQ==; s=QW5uYUBHTVguZGU=; \
        h=78bc64e871dcd10c4cf04ed509d48ac1a60f4d0e";

    fn key() -> LoginKey {
        LoginKey::new(Zeroizing::new(KEY.as_bytes().to_vec())).unwrap()
    }

    fn verify(body: &str, sender: &str, seconds: i64) -> Result<EximClaim, Disbelief> {
        key().verify_exim(
            body.as_bytes(),
            &ReversePath::parse(sender).unwrap(),
            Moment(seconds),
            Duration::from_secs(3600),
        )
    }

    #[test]
    fn what_exim_signed_is_believed_for_its_sender_and_its_lifetime() {
        let claim = EximClaim { login: Some("anna".to_owned()), queue_id: "1vNabc-000001-2x".to_owned() };
        let rows = [
            (SIGNED.to_owned(), "anna@gmx.de", 1_800_000_000, Ok(claim.clone())),
            (SIGNED.to_owned(), "ANNA@gmx.DE", 1_800_003_600, Ok(claim)),
            (SIGNED.to_owned(), "anna@gmx.de", 1_800_003_601, Err(Disbelief::Expired)),
            (SIGNED.to_owned(), "anna@gmx.de", 1_799_999_699, Err(Disbelief::Expired)),
            (SIGNED.to_owned(), "berta@gmx.de", 1_800_000_000, Err(Disbelief::OtherSender)),
            (SIGNED.replace("2x", "2y"), "anna@gmx.de", 1_800_000_000, Err(Disbelief::Forged)),
            (SIGNED.replace("l=YW5uYQ==", "l=YmVydGE="), "anna@gmx.de", 1_800_000_000, Err(Disbelief::Forged)),
            (SIGNED.replace("sha1", "sha256"), "anna@gmx.de", 1_800_000_000, Err(Disbelief::Malformed)),
            (String::new(), "anna@gmx.de", 1_800_000_000, Err(Disbelief::Malformed)),
        ];
        for (body, sender, now, expected) in rows {
            assert_eq!(verify(&body, sender, now), expected, "{body} from {sender} at {now}");
        }
    }
}
