//! Warm sessions at a real server: reused, watched while idle, and never used beyond their time.

use crate::site::{PASSWORD, Site};
use sendvia::sandbox::TlsMode;
use sendvia::secret::SecretString;
use sendvia::submission::login;
use sendvia::submission::pool::{Bounds, Pool, Seat};
use sendvia::submission::{Authenticated, Credentials, Dial, Endpoint, Proof, Protection, Route, Timeouts, TlsTrust};
use std::sync::Arc;
use std::time::Duration;

fn bounds() -> Bounds {
    let minute = Duration::from_secs(60);
    Bounds { seats: 4, waiting: 4, provider: 64, all: 256, idle: minute, messages: 50, age: 30 * minute }
}

async fn log_in(site: &Site) -> Authenticated {
    let dial = Dial {
        endpoint: Endpoint {
            host: "localhost".to_owned(),
            port: site.port(TlsMode::StartTls),
            protection: Protection::StartTls,
        },
        route: Arc::new(Route::Direct),
        trust: Arc::new(TlsTrust::new(Some(&site.path().join("ca.pem")))),
        ehlo_name: "[127.0.0.1]".to_owned(),
        timeouts: Timeouts::default(),
        deadline: None,
        danger_plaintext_auth: false,
        dialogue: None,
    };
    let proof = Proof::Password(SecretString::from(PASSWORD));
    let credentials = Credentials { login: "anna@gmx.de".to_owned(), proof, mechanisms: None };
    login(&dial, &credentials).await.expect("a login")
}

async fn seat(pool: &Pool) -> Seat {
    seat_of(pool, "anna@gmx.de").await
}

async fn seat_of(pool: &Pool, account: &str) -> Seat {
    pool.enter(account, "gmx", None).await.expect("a seat")
}

/// A delivery of the account that leaves its session.
async fn deliver(pool: &Pool, site: &Site, account: &str) {
    let seat = seat_of(pool, account).await;
    assert!(seat.session("k").await.is_none());
    seat.leave("k", log_in(site).await).await;
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs what the pool's tasks have to do until the server has seen so many connections end.
async fn until_closed(site: &Site, count: u64) {
    let closed = site.sandbox().wait_until(|counters| counters.closed == count);
    tokio::time::timeout(Duration::from_secs(60), closed).await.expect("the session ends");
}

#[test]
fn a_session_is_left_for_the_next_delivery() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(bounds());
        let first = seat(&pool).await;
        assert!(first.session("k").await.is_none());
        first.leave("k", log_in(&site).await).await;
        drop(first);
        let session = seat(&pool).await.session("k").await.expect("a warm session");
        assert!(session.is_usable());
        assert!(seat(&pool).await.session("k").await.is_none(), "it is in use");
        session.quit().await;
    });
    assert_eq!(site.counters().logins, 1);
}

/// A login costs the provider more than a message, and it counts them.
#[test]
fn a_session_in_use_is_waited_for_before_anybody_logs_in_again() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(bounds());
        let (first, second) = (seat(&pool).await, seat(&pool).await);
        assert!(first.session("k").await.is_none());
        let session = log_in(&site).await;
        let (waited, ()) = tokio::join!(second.session("k"), first.leave("k", session));
        waited.expect("the other's session").quit().await;
    });
    assert_eq!(site.counters().logins, 1);
}

#[test]
fn a_session_that_will_not_come_is_not_waited_for() {
    block_on(async {
        let pool = Pool::new(bounds());
        let (first, second) = (seat(&pool).await, seat(&pool).await);
        assert!(first.session("k").await.is_none());
        let waiting = async {
            tokio::time::timeout(Duration::from_millis(900), second.session("k")).await.expect("no waiting to the end")
        };
        let (waited, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(waited.is_none());
    });
}

#[test]
fn where_a_provider_has_as_many_sessions_as_may_be_the_one_that_was_idle_longest_makes_way() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(Bounds { provider: 2, ..bounds() });
        for account in ["anna", "berta", "carl"] {
            deliver(&pool, &site, account).await;
        }
        until_closed(&site, 1).await;
        assert!(seat_of(&pool, "berta").await.session("k").await.is_some());
        assert!(seat_of(&pool, "carl").await.session("k").await.is_some());
    });
}

#[test]
fn a_second_session_of_an_account_does_not_end_anothers() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(Bounds { provider: 2, ..bounds() });
        deliver(&pool, &site, "berta").await;
        let (first, second) = (seat(&pool).await, seat(&pool).await);
        assert!(first.session("k").await.is_none());
        first.logged_in_within(Duration::ZERO);
        let mut second = std::pin::pin!(second.session("k"));
        let waited = tokio::time::timeout(Duration::from_millis(300), second.as_mut()).await;
        assert!(waited.is_err(), "there is no room");
        assert_eq!(pool.counts().idle, 1, "berta's");
        first.leave("k", log_in(&site).await).await;
        second.await.expect("the first one's").quit().await;
    });
}

/// The one who waits is not passed by a session that becomes idle, nor by who comes later.
#[test]
fn where_somebody_waits_for_a_place_at_the_provider_a_session_that_is_left_ends() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(Bounds { provider: 1, ..bounds() });
        let (first, second) = (seat_of(&pool, "anna").await, seat_of(&pool, "berta").await);
        assert!(first.session("k").await.is_none());
        let session = log_in(&site).await;
        let waiting = tokio::time::timeout(Duration::from_secs(30), second.session("k"));
        let (waited, ()) = tokio::join!(waiting, first.leave("k", session));
        assert!(waited.expect("before the session has been idle for a minute").is_none());
        until_closed(&site, 1).await;
        assert_eq!(pool.counts().idle, 0);
    });
}

#[test]
fn other_credentials_end_the_sessions_of_the_old_ones() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(bounds());
        let seat = seat(&pool).await;
        assert!(seat.session("old").await.is_none());
        seat.leave("old", log_in(&site).await).await;
        assert!(seat.session("new").await.is_none());
        until_closed(&site, 1).await;
        assert!(seat.session("old").await.is_none());
    });
}

#[test]
fn an_idle_session_ends_by_quit_and_an_old_one_is_not_kept() {
    let site = Site::new();
    block_on(async {
        let pool = Pool::new(Bounds { idle: Duration::from_millis(1), ..bounds() });
        let idle = seat(&pool).await;
        idle.leave("k", log_in(&site).await).await;
        until_closed(&site, 1).await;
        assert!(idle.session("k").await.is_none());
        let pool = Pool::new(Bounds { age: Duration::ZERO, ..bounds() });
        let old = seat(&pool).await;
        old.leave("k", log_in(&site).await).await;
        until_closed(&site, 2).await;
        assert!(old.session("k").await.is_none());
    });
}

#[test]
fn a_session_that_its_server_closed_is_not_handed_out() {
    let mut site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = Pool::new(bounds());
    let seat = runtime.block_on(async {
        let seat = seat(&pool).await;
        seat.leave("k", log_in(&site).await).await;
        seat
    });
    site.stop_provider();
    runtime.block_on(async { assert!(seat.session("k").await.is_none()) });
}
