//! Exim's LMTP transport, to the service's socket and to `sendvia lmtp`; its router that asks the service.

use super::{BOB, EVE, Site, message};
use crate::support::exim::{Exim, Recipe};
use crate::support::mta::{Mta, Outcome};
use crate::support::provider::{ANNA, CARL, Provider, REFUSED};
use crate::support::service::{Service, account};
use crate::support::way::is_the_message;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const SOCKETS: [&str; 2] = ["run/lmtp", "run/map"];
const BY_SOCKET: Recipe = Recipe {
    main: &["exim/main.conf", "exim/lmtp-main.conf"],
    router: "exim/map-router.conf",
    transport: "exim/lmtp-transport.conf",
};
const BY_COMMAND: Recipe = Recipe {
    main: &["exim/main.conf", "exim/lmtp-main.conf"],
    router: "exim/router.conf",
    transport: "exim/lmtp-command-transport.conf",
};

fn site() -> Site {
    Site::new("exim/service.yaml", "/run/sendvia", "run", "Debian-exim", "exim.key")
}

impl Site {
    fn exim(&self, recipe: &Recipe) -> Exim {
        Exim::by(recipe, &self.lab, self.world.address(), &[])
    }

    fn delivers_to_each_recipient_what_he_is_due(&self, mta: &Exim) {
        let text = message("three", ANNA, "");
        let id = mta.submit("anna", ANNA, &[BOB, REFUSED, EVE], &text);
        for recipient in [BOB, EVE] {
            let outcome = mta.outcome(&id, recipient);
            assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}; {}", mta.log().text());
        }
        let outcome = mta.outcome(&id, REFUSED);
        assert!(matches!(&outcome, Outcome::Bounced(text) if text.contains("RCPT: 550")), "{outcome:?}");
        let arrived = self.provider.wait_for("<three@gmx.example>");
        is_the_message(&arrived, &text);
        assert_eq!(arrived.recipients, [BOB, EVE], "one transaction for all of them");
        assert!(self.world.wait_for_text("<three@gmx.example>").text().contains(REFUSED), "a bounce");
    }

    /// Carl writes as Anna, and puts a field that Exim itself signed for Anna into his message.
    fn believes_no_field_of_a_customers(&self, mta: &Exim) {
        let signed = mta.command(&[
            "-be",
            "${sg{v=1; a=sha1; q=1vNabc-000001-2x; t=$tod_epoch; l=${base64:anna}; s=${base64:anna@gmx.example}}{^}{}}",
        ]);
        let stated = signed.trim();
        let digest =
            mta.command(&["-be", &format!("${{hmac{{sha1}}{{${{readfile{{SENDVIA_KEY}}{{}}}}}}{{{stated}}}}}")]);
        assert_eq!(digest.trim().len(), 40, "{digest}");
        let field = format!("X-Sendvia-Login: {stated}; h={}\r\n", digest.trim());
        for (name, field) in [("replayed", field.as_str()), ("forged", "X-Sendvia-Login: anna\r\n")] {
            let id = mta.submit("carl", ANNA, &[BOB], &message(name, ANNA, field));
            let outcome = mta.outcome(&id, BOB);
            assert!(
                matches!(&outcome, Outcome::Bounced(text) if text.contains("5.7.1 login carl may not")),
                "{outcome:?}"
            );
        }
        assert!(!self.provider.arrived().iter().any(|one| one.text().contains("<replayed@")));
    }
}

#[test]
fn by_the_socket_each_recipient_has_his_own_result_and_a_login_is_exims_to_tell() {
    let site = site();
    let _service = Service::start(&site.lab, &SOCKETS);
    let mta = site.exim(&BY_SOCKET);
    site.delivers_to_each_recipient_what_he_is_due(&mta);
    site.believes_no_field_of_a_customers(&mta);
}

#[test]
fn by_a_command_it_is_the_same_without_a_service() {
    let site = site();
    let mta = site.exim(&BY_COMMAND);
    site.delivers_to_each_recipient_what_he_is_due(&mta);
    site.believes_no_field_of_a_customers(&mta);
}

#[test]
fn an_account_is_routed_once_it_is_there_and_mail_waits_for_a_service_that_is_down() {
    let site = site();
    let service = Service::start(&site.lab, &SOCKETS);
    let mta = site.exim(&BY_SOCKET);
    let id = mta.submit("carl", CARL, &[BOB], &message("before", CARL, ""));
    assert!(mta.outcome(&id, BOB).text().contains("T=world"), "{}", mta.log().text());
    account(&site.lab, CARL, &site.provider);
    let text = message("after", CARL, "");
    mta.submit("carl", CARL, &[BOB], &text);
    is_the_message(&site.provider.wait_for("<after@gmx.example>"), &text);
    let asked = "${readsocket{SENDVIA_SOCKETS/map}{26:transport carl@gmx.example,}{10s}}";
    assert_eq!(mta.command(&["-be", asked]).trim(), "11:OK sendvia:,");

    service.kill();
    let id = mta.submit("carl", CARL, &[BOB], &message("waits", CARL, ""));
    let outcome = mta.outcome(&id, BOB);
    assert!(matches!(outcome, Outcome::Deferred(_)), "{outcome:?}");
    let local = mta.submit("carl", CARL, &["post@firm.example"], &message("local", CARL, ""));
    assert!(mta.outcome(&local, "post@firm.example").text().contains("T=world"));
    let _service = Service::start(&site.lab, &SOCKETS);
    mta.flush();
    mta.wait_for_end(&id);
    site.provider.wait_for("<waits@gmx.example>");
}

#[test]
fn all_of_200_messages_arrive_though_the_service_was_killed_amid_them() {
    let site = site();
    account(&site.lab, CARL, &site.provider);
    let service = Service::start(&site.lab, &SOCKETS);
    let mta = site.exim(&BY_SOCKET);
    site.all_arrive_though_it_is_killed(
        &mta,
        service,
        || Service::start(&site.lab, &SOCKETS),
        "LMTP connection closed",
    );
}

/// What doctor finds in this Exim, by name.
fn findings(site: &Site, mta: &Exim) -> Vec<String> {
    site.lab.write("exim4", mta.script());
    fs::set_permissions(site.lab.path("exim4"), fs::Permissions::from_mode(0o755)).expect("mode");
    let path = format!("{}:{}", site.lab.path("").display(), std::env::var("PATH").expect("a path"));
    let output = Command::new(env!("CARGO_BIN_EXE_sendvia"))
        .args(["doctor", "--json", "--mta", "exim", "--offline", "--config", &site.lab.text("etc/sendvia.yaml")])
        .env("PATH", path)
        .output()
        .expect("it starts");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |finding: &serde_json::Value| format!("{}: {}", finding["name"], finding["what"]).replace('"', "");
    told["findings"].as_array().expect("a list").iter().map(text).collect()
}

#[test]
fn doctor_knows_lmtp_from_the_pipe() {
    let site = site();
    let _service = Service::start(&site.lab, &SOCKETS);
    for recipe in [&BY_SOCKET, &BY_COMMAND] {
        let mta = site.exim(recipe);
        assert_eq!(findings(&site, &mta), Vec::<String>::new());
    }
    let off = ("  headers_remove = X-Sendvia-Login\n", "");
    let mta = Exim::by(&BY_SOCKET, &site.lab, site.world.address(), &[off]);
    assert_eq!(findings(&site, &mta), ["exim.option: the transport has not `headers_remove = X-Sendvia-Login`"]);
}
