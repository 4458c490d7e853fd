//! What can happen to a message on its way.

use crate::support::provider::{ANNA, REFUSED};
use crate::support::way::Way;

/// Whom the customer writes to.
pub(super) const BOB: &str = "bob@example.org";

type Scenario = fn(&mut Way);

/// Each with its name, for the output of a run that fails. The last one leaves no provider.
pub(super) const SCENARIOS: [(&str, Scenario); 10] = [
    ("an accepted message arrives as it was submitted", accepted),
    ("four mebibytes arrive as they were submitted", four_mebibytes),
    ("a wrong header From is given back before anybody is called", wrong_header_from),
    ("a refused recipient is given back with the provider's words", refused_recipient),
    ("of two recipients the refused one is given back", two_recipients),
    ("a login that may not use the account has its message given back", foreign_login),
    ("addresses that begin with a hyphen are addresses", hyphens),
    ("a wrong password keeps the message until it is mended", wrong_password),
    ("a provider that turns this host away keeps the message", turned_away),
    ("a provider that is down keeps the message", down),
];

/// A message of Anna's with lines that a careless hand on the way would change.
pub(super) fn message(name: &str, from: &str) -> Vec<u8> {
    format!(
        "From: Anna <{from}>\r\nTo: bob@example.org\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\
         Message-ID: <{name}@gmx.example>\r\nSubject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=\r\nX-Folded:  two\r\n\tlines \r\n\r\n\
         .dot\r\n..\r\n.\r\nFrom here\r\n>From there\r\n trailing blanks  \r\n\r\n{}\r\n",
        "x".repeat(900)
    )
    .into_bytes()
}

fn accepted(way: &mut Way) {
    let message = message("accepted", ANNA);
    let id = way.submit("anna", ANNA, &[BOB], &message);
    way.has_arrived(&id, BOB, "<accepted@gmx.example>", ANNA, &message);
    way.mta.wait_for_end(&id);
}

fn four_mebibytes(way: &mut Way) {
    let mut message = message("large", ANNA);
    for number in 0.. {
        if message.len() > 4 * 1024 * 1024 {
            break;
        }
        message
            .extend_from_slice(format!(".{number}\r\nline {number} of many, none of which may change\r\n").as_bytes());
    }
    let id = way.submit("anna", ANNA, &[BOB], &message);
    way.has_arrived(&id, BOB, "<large@gmx.example>", ANNA, &message);
}

fn wrong_header_from(way: &mut Way) {
    let before = way.provider().connections();
    let id = way.submit("anna", ANNA, &[BOB], &message("wrong-from", "boss@firm.example"));
    let said = way.is_given_back(&id, BOB, "<wrong-from@", "5.7.1 ");
    assert!(said.contains("boss@firm.example") && said.contains(ANNA), "{said}");
    way.has_not_arrived("<wrong-from@");
    assert_eq!(way.provider().connections(), before, "a message that can only be refused needs no connection");
}

fn refused_recipient(way: &mut Way) {
    let id = way.submit("anna", ANNA, &[REFUSED], &message("refused", ANNA));
    let said = way.is_given_back(&id, REFUSED, "<refused@gmx", "5.");
    assert!(said.contains(&format!(" {}: RCPT: 55", way.provider().name())), "{said}");
    assert!(said.to_lowercase().contains("no such"), "the provider's own words: {said}");
    way.has_not_arrived("<refused@gmx");
}

fn two_recipients(way: &mut Way) {
    let message = message("two", ANNA);
    let id = way.submit("anna", ANNA, &[BOB, REFUSED], &message);
    way.has_arrived(&id, BOB, "<two@gmx.example>", ANNA, &message);
    way.is_given_back(&id, REFUSED, "<two@", "5.");
    let copies = way.provider().arrived().iter().filter(|one| one.text().contains("<two@")).count();
    assert_eq!(copies, 1);
}

fn foreign_login(way: &mut Way) {
    let before = way.provider().connections();
    let id = way.submit("carl", ANNA, &[BOB], &message("foreign", ANNA));
    let said = way.is_given_back(&id, BOB, "<foreign@", "5.7.1 ");
    assert!(said.contains(ANNA) && said.contains("carl"), "{said}");
    way.has_not_arrived("<foreign@");
    assert_eq!(way.provider().connections(), before);
}

/// Sender and recipient of another's making, which no command may take for an option.
fn hyphens(way: &mut Way) {
    way.account("%2drf@gmx.example", &format!("identities: [{ANNA}]\nenvelope_from: rewrite\n"));
    let (sender, recipient) = ("-rf@gmx.example", "-oQ@example.org");
    let message = message("hyphens", ANNA);
    let id = way.submit("anna", sender, &[recipient], &message);
    way.has_arrived(&id, recipient, "<hyphens@gmx.example>", ANNA, &message);
}

fn wrong_password(way: &mut Way) {
    way.account_with(ANNA, "changed at the provider", way.provider().address(), "");
    let message = message("password", ANNA);
    let id = way.submit("anna", ANNA, &[BOB], &message);
    way.is_kept(&id, BOB, "<password@", &format!("4.7.8 {}: AUTH: 535", way.provider().name()));
    way.account(ANNA, "");
    way.mta.flush();
    way.mta.wait_for_end(&id);
    let arrived = way.provider().wait_for("<password@gmx.example>");
    crate::support::way::is_the_message(&arrived, &message);
}

fn turned_away(way: &mut Way) {
    let Some(address) = way.provider().turn_clients_away() else { return };
    way.account_with(ANNA, crate::support::provider::SECRET, address, "");
    let id = way.submit("anna", ANNA, &[BOB], &message("turned-away", ANNA));
    way.is_kept(&id, BOB, "<turned-away@", &format!("4.7.1 {}: banner: 554", way.provider().name()));
    way.provider().wait_for_client_turned_away();
}

fn down(way: &mut Way) {
    let name = way.provider().name();
    way.stop_provider();
    let id = way.submit("anna", ANNA, &[BOB], &message("down", ANNA));
    let outcome = way.mta.outcome(&id, BOB);
    assert_eq!(outcome.word(), "deferred", "{outcome:?}");
    let said = way.mta.said(&id, BOB);
    assert!(said.starts_with(&format!("4.4.2 {name}: connect: ")), "{said}");
    assert!(way.mta.queue().contains(&id));
}
