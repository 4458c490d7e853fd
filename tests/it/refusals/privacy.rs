//! What tells of the client goes where an account says so, and a signature that does not hold any more is said.

use super::Days;
use sendvia::submission::Recipients;

const SIGNED: &str = "Received: from laptop (host.example [198.51.100.42]) by mx.example; Tue, 24 Nov 2026 12:00:00 +0100\r\n\
    DKIM-Signature: v=1; a=rsa-sha256; d=firm.example; s=k; h=From:User-Agent; b=x; bh=y\r\n\
    From: anna@gmx.de\r\nTo: b@x.example\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\nMessage-ID: <1@x.example>\r\n\
    X-Originating-IP: [198.51.100.42]\r\nUser-Agent: Thunderbird\r\nX-Mailer: Thunderbird\r\n\r\nHello\r\n";

#[test]
fn what_tells_of_the_client_goes_where_the_account_says_so() {
    let address = ["Received:", "X-Originating-IP:"];
    let program = ["User-Agent:", "X-Mailer:"];
    let broken = ["the DKIM signature of firm.example does not hold any more: a field that it signs was changed"];
    type Row<'r> = (&'r str, &'r [&'r str], &'r [&'r str], &'r [&'r str]);
    let rows: [Row<'_>; 4] = [
        ("", &["198.51.100.42", "User-Agent:", "X-Mailer:", "X-Originating-IP:"], &[], &[]),
        ("received: mask\n", &["Received: from client.invalid", "User-Agent:"], &["198.51.100.42"], &[]),
        ("received: remove\n", &program, &address, &[]),
        ("user_agent: remove\n", &address, &program, &broken),
    ];
    for (says, there, gone, notes) in rows {
        let days = Days::new();
        days.site.account("anna@gmx.de", &format!("users: [anna]\n{says}"));
        let report = days.deliver_this("anna@gmx.de", "1", &["b@x.example"], Recipients::AllOrNone, SIGNED);
        let arrived = String::from_utf8(days.site.messages()[0].read().unwrap()).unwrap();
        assert!(there.iter().all(|word| arrived.contains(word)), "{says}: {arrived}");
        assert!(!gone.iter().any(|word| arrived.contains(word)), "{says}: {arrived}");
        assert_eq!(report.notes, notes, "{says}");
    }
}
