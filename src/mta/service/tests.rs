use super::*;
use crate::config::Config;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

const ANNA: &[u8] = b"21:transport anna@gmx.de,";
const BERTA_AS_ANNA: &[u8] = b"protocol_state=RCPT\nsasl_username=berta\nsender=anna@gmx.de\n\n";

fn site() -> (TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::beside(directory.path());
    let file = directory.path().join("accounts.d/anna@gmx.de.yaml");
    fs::create_dir(directory.path().join("accounts.d")).unwrap();
    fs::write(&file, "provider: gmx\nsecret: {plain: kanarienvogel}\nusers: [anna]\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (directory, config)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn bind(protocol: Protocol, path: &Path) -> Listener {
    Listener::bind(protocol, &ListenAddress::Unix(path.to_owned())).unwrap()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8], reply: &[u8]) {
    stream.write_all(request).await.unwrap();
    let mut read = vec![0; reply.len()];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(reply));
}

#[test]
fn policy_and_tables_are_served_side_by_side_until_the_stop() {
    let (directory, config) = site();
    block_on(async {
        let policy = directory.path().join("policy");
        let listening = bind(Protocol::Policy, &policy);
        let any_port = ListenAddress::Tcp("127.0.0.1:0".parse().unwrap());
        let map = Listener::bind(Protocol::Map, &any_port).unwrap();
        let map_address = map.tcp_address().unwrap();
        let service = Service::new(Arc::new(Live::new(config)), Limits::default());
        let (stop, stopping) = oneshot::channel::<()>();
        let client = async {
            let mut policy = UnixStream::connect(&policy).await.unwrap();
            ask(&mut policy, BERTA_AS_ANNA, b"action=REJECT 5.7.1 ").await;
            let mut map = TcpStream::connect(map_address).await.unwrap();
            ask(&mut map, ANNA, b"11:OK sendvia:,").await;
            stop.send(()).unwrap();
            let mut rest = Vec::new();
            map.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "an idle connection ends with the service");
        };
        let (drained, ()) = tokio::join!(service.serve(vec![listening, map], async { drop(stopping.await) }), client);
        assert_eq!(drained, Drained::Wholly);
        assert!(!policy.exists());
    });
}

#[test]
fn a_reload_counts_for_the_next_request_on_an_open_connection() {
    let (directory, config) = site();
    block_on(async {
        let path = directory.path().join("map");
        let listening = bind(Protocol::Map, &path);
        let live = Arc::new(Live::new(config.clone()));
        let service = Service::new(Arc::clone(&live), Limits::default());
        let (stop, stopping) = oneshot::channel::<()>();
        let client = async {
            let mut map = UnixStream::connect(&path).await.unwrap();
            ask(&mut map, ANNA, b"11:OK sendvia:,").await;
            let mut changed = config;
            changed.map.transport = "other:".to_owned();
            live.replace(changed);
            ask(&mut map, ANNA, b"9:OK other:,").await;
            stop.send(()).unwrap();
        };
        tokio::join!(service.serve(vec![listening], async { drop(stopping.await) }), client);
    });
}

#[test]
fn a_connection_over_the_limit_waits_until_there_is_room() {
    let (directory, config) = site();
    block_on(async {
        let path = directory.path().join("map");
        let listening = bind(Protocol::Map, &path);
        let limits = Limits { connections: 1, ..Limits::default() };
        let service = Service::new(Arc::new(Live::new(config)), limits);
        let (stop, stopping) = oneshot::channel::<()>();
        let client = async {
            let mut first = UnixStream::connect(&path).await.unwrap();
            ask(&mut first, ANNA, b"11:OK sendvia:,").await;
            let mut second = UnixStream::connect(&path).await.unwrap();
            second.write_all(ANNA).await.unwrap();
            let mut reply = [0; 15];
            tokio::select! {
                biased;
                _ = second.read_exact(&mut reply) => panic!("served beside the first"),
                () = tokio::task::yield_now() => {}
            }
            drop(first);
            second.read_exact(&mut reply).await.unwrap();
            stop.send(()).unwrap();
        };
        tokio::join!(service.serve(vec![listening], async { drop(stopping.await) }), client);
    });
}

#[test]
fn a_stop_waits_for_a_request_half_read() {
    let (directory, config) = site();
    block_on(async {
        let path = directory.path().join("map");
        let listening = bind(Protocol::Map, &path);
        let service = Service::new(Arc::new(Live::new(config)), Limits::default());
        let (stop, stopping) = oneshot::channel::<()>();
        let client = async {
            let mut map = UnixStream::connect(&path).await.unwrap();
            ask(&mut map, &[ANNA, b"21:transp"].concat(), b"11:OK sendvia:,").await;
            stop.send(()).unwrap();
            ask(&mut map, b"ort anna@gmx.de,", b"11:OK sendvia:,").await;
        };
        let (drained, ()) = tokio::join!(service.serve(vec![listening], async { drop(stopping.await) }), client);
        assert_eq!(drained, Drained::Wholly);
    });
}
