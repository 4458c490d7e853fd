//! The header From, and the header as GMX wants it.

use crate::site::{MESSAGE, Site, field, on_the_wire};

fn message_with(from_field: &str) -> String {
    MESSAGE.replace("From: Anna <anna@gmx.de>\n", from_field)
}

#[test]
fn require_refuses_a_foreign_header_from_before_any_connection() {
    let site = Site::new();
    let rows = [
        "From: Boss <boss@example.com>\n",
        "From: \"anna@gmx.de\" <boss@example.com>\n",
        "From: boss@example.com (anna@gmx.de)\n",
        "From: =?utf-8?q?anna=40gmx=2Ede?= <boss@example.com>\n",
        "From: Boss\n <boss@example.com>\n",
        "From: anna@gmx.de, boss@example.com\n",
        "From: Friends: anna@gmx.de;\n",
        "From: nobody\n",
        "From:\n",
        "",
        "From: anna@gmx.de\nFrom: boss@example.com\n",
    ];
    for from in rows {
        let ended = site.relay_annas(message_with(from));
        ended.is(69, "5.").says(&["anna@gmx.de"]);
    }
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn require_takes_the_accounts_own_address_in_every_spelling() {
    let site = Site::new();
    let rows = [
        "From: anna@gmx.de\n",
        "From: <anna@gmx.de>\n",
        "From: Anna <ANNA@GMX.de>\n",
        "From: \"Doe, Anna\" <anna@gmx.de>\n",
        "From: Anna\n <anna@gmx.de>\n",
        "from: =?utf-8?q?=C3=84nna?= <anna@gmx.de>\n",
        "From: anna@gmx.de (a comment, with a comma)\n",
    ];
    for (index, from) in rows.iter().enumerate() {
        site.relay_annas(message_with(from)).is(0, "");
        assert_eq!(site.messages()[index].read().unwrap(), on_the_wire(&message_with(from)), "{from}");
    }
}

#[test]
fn identities_are_addresses_that_the_header_from_may_hold() {
    let site = Site::new();
    site.rules(&["none"]);
    site.account("anna@gmx.de", "users: [anna]\nidentities: [anna@firm.example]\n");
    site.relay_annas(message_with("From: Anna <anna@firm.example>\n")).is(0, "");
    site.relay_annas(message_with("From: Anna <eve@firm.example>\n")).is(69, "5.7.1 ");
}

#[test]
fn rewrite_puts_the_accounts_address_in_and_keeps_the_name() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nheader_from: rewrite\n");
    site.relay_annas(message_with("From: \"The Boss\" <boss@example.com>\n")).is(0, "");
    let arrived = site.messages()[0].read().unwrap();
    assert_eq!(field(&arrived, "From"), ["\"The Boss\" <anna@gmx.de>"]);
    assert!(field(&arrived, "Reply-To")[0].contains("boss@example.com"), "{:?}", field(&arrived, "Reply-To"));
    let with_reply_to = message_with("From: boss@example.com\nReply-To: list@example.com\n");
    site.relay_annas(with_reply_to).is(0, "");
    assert_eq!(field(&site.messages()[1].read().unwrap(), "Reply-To"), ["list@example.com"]);
}

#[test]
fn accept_lets_the_provider_judge() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nheader_from: accept\n");
    let message = message_with("From: Boss <boss@example.com>\n");
    site.relay_annas(&message).is(69, "5.").says(&["Transaction failed", "c=hi"]);
    site.rules(&["none"]);
    site.relay_annas(&message).is(0, "");
    assert_eq!(site.messages()[0].read().unwrap(), on_the_wire(&message));
}

#[test]
fn what_gmx_would_refuse_is_repaired_where_that_changes_no_meaning() {
    let site = Site::new();
    let bare = "From: Änna <anna@gmx.de>\nSubject: one\nSubject: two\n\nHello\n";
    site.relay_annas(bare).is(0, "");
    site.relay_annas(bare).is(0, "");
    let arrived: Vec<Vec<u8>> = site.messages().iter().map(|kept| kept.read().unwrap()).collect();
    for name in ["Date", "Message-ID", "From", "To", "Subject"] {
        assert_eq!(field(&arrived[0], name).len(), 1, "{name} in {}", String::from_utf8_lossy(&arrived[0]));
    }
    assert_eq!(field(&arrived[0], "To"), ["undisclosed-recipients:;"]);
    assert!(field(&arrived[0], "From")[0].starts_with("=?"), "{:?}", field(&arrived[0], "From"));
    assert_eq!(field(&arrived[0], "Message-ID"), field(&arrived[1], "Message-ID"), "a retry has the same");
}
