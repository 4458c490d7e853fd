use super::client::Helper;
use super::*;
use crate::secret::source::CommandLine;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use std::os::fd::OwnedFd;

fn channel() -> (OwnedFd, OwnedFd) {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

fn of(account: &str) -> Wanted {
    Wanted::Secret { account: account.to_owned(), field: "password".to_owned() }
}

/// What the command for an account prints: `printf` its name, and nothing for nobody.
fn lookup(wanted: &Wanted) -> Result<SecretCommand, String> {
    match wanted {
        Wanted::Key => Err("the key comes from no command".to_owned()),
        Wanted::Secret { account, .. } if account == "slow" => {
            let line = CommandLine::Words(vec!["sleep".to_owned(), "600".to_owned()]);
            Ok(SecretCommand { line, time_limit: Duration::from_millis(50) })
        }
        Wanted::Secret { account, .. } => Ok(SecretCommand::of_words(&["printf".to_owned(), account.clone()])),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn each_answer_is_that_to_its_own_question() {
    let (ours, theirs) = channel();
    block_on(async {
        let helper = Helper::at(ours);
        let asking = async {
            let wanted = [of("slow"), of("anna"), Wanted::Key, of("berta")];
            let [slow, anna, key, berta] = wanted.each_ref().map(|wanted| helper.ask(wanted));
            let (slow, anna, key, berta) = tokio::join!(slow, anna, key, berta);
            assert!(matches!(slow, Err(SecretError::Timeout { limit, .. }) if limit == Duration::from_millis(50)));
            assert_eq!((anna.unwrap().as_slice(), berta.unwrap().as_slice()), (&b"anna"[..], &b"berta"[..]));
            assert!(key.unwrap_err().to_string().ends_with("the key comes from no command"));
        };
        tokio::select! {
            () = asking => {}
            ended = serve(theirs, lookup) => panic!("{ended:?}"),
        }
    });
}

#[test]
fn what_is_no_request_is_passed_over_and_the_end_of_the_channel_is_the_end() {
    let (ours, theirs) = channel();
    for packet in [&b"rm -rf /"[..], b"{}", b"\"Key\"", &[0xff; MAX_REQUEST + 1]] {
        send(&ours, packet, SendFlags::empty()).unwrap();
    }
    block_on(async {
        let helper = Helper::at(ours);
        let serving = tokio::spawn(serve(theirs, lookup));
        assert_eq!(helper.ask(&of("anna")).await.unwrap().as_slice(), b"anna");
        drop(helper);
        serving.await.unwrap().unwrap();
    });
}

#[test]
fn whoever_is_asked_and_gone_is_told_of() {
    let (ours, theirs) = channel();
    drop(theirs);
    let error = block_on(async { Helper::at(ours).ask(&of("anna")).await }).unwrap_err();
    assert!(error.to_string().starts_with("secret command: the process that runs it: "), "{error}");
    assert_eq!(error.hint().as_deref(), Some("restart the service, or set `fence: off`"));
}

#[test]
fn an_error_is_the_same_on_the_other_side() {
    let program = || "pass".to_owned();
    let errors = [
        SecretError::Start { program: program(), source: io::Error::from_raw_os_error(2) },
        SecretError::Failed { program: program(), status: "exit status 3".to_owned() },
        SecretError::Timeout { program: program(), limit: Duration::from_secs(30) },
    ];
    for error in errors {
        let (text, hint) = (error.to_string(), error.hint());
        let passed = serde_json::to_vec(&Refusal::from(error)).unwrap();
        let arrived = SecretError::from(serde_json::from_slice::<Refusal>(&passed).unwrap());
        assert_eq!((arrived.to_string(), arrived.hint()), (text, hint));
    }
}
