//! Who waits, and for what.

use super::*;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn bounds(seats: usize, waiting: usize, provider: usize) -> Bounds {
    let minute = Duration::from_secs(60);
    Bounds { seats, waiting, provider, all: 10, idle: minute, messages: 50, age: minute }
}

fn pool(seats: usize, waiting: usize) -> Pool {
    Pool::new(bounds(seats, waiting, 10))
}

fn seat(pool: &Pool, account: &str, provider: &str) -> Seat {
    let Poll::Ready(Ok(seat)) = poll(pin!(pool.enter(account, provider, None))) else { panic!("a free seat") };
    seat
}

fn poll<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    work.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_account_has_its_seats_a_few_wait_and_the_rest_is_told_at_once() {
    let pool = pool(1, 1);
    let Poll::Ready(Ok(first)) = poll(pin!(pool.enter("anna", "gmx", None))) else { panic!("a free seat") };
    let mut second = pin!(pool.enter("anna", "gmx", None));
    assert!(poll(second.as_mut()).is_pending());
    assert!(matches!(poll(pin!(pool.enter("anna", "gmx", None))), Poll::Ready(Err(Full))));
    assert!(matches!(poll(pin!(pool.enter("berta", "gmx", None))), Poll::Ready(Ok(_))), "another account goes on");
    drop(first);
    assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(_))));
}

#[test]
fn one_who_stops_waiting_leaves_his_place() {
    let pool = pool(1, 1);
    let Poll::Ready(Ok(_first)) = poll(pin!(pool.enter("anna", "gmx", None))) else { panic!("a free seat") };
    {
        let mut second = pin!(pool.enter("anna", "gmx", None));
        assert!(poll(second.as_mut()).is_pending());
    }
    assert!(poll(pin!(pool.enter("anna", "gmx", None))).is_pending(), "not full");
}

#[test]
fn a_provider_may_allow_fewer_sessions_than_we() {
    let pool = pool(4, 0);
    let seats: Vec<_> = (0..3).map(|_| poll(pin!(pool.enter("anna", "gmx", Some(2))))).collect();
    let free = seats.iter().filter(|seat| matches!(seat, Poll::Ready(Ok(_)))).count();
    assert_eq!(free, 2);
}

#[test]
fn a_providers_bound_holds_for_all_accounts_and_for_no_other_provider() {
    let pool = Pool::new(bounds(4, 4, 1));
    let (anna, berta, carl) = (seat(&pool, "anna", "gmx"), seat(&pool, "berta", "gmx"), seat(&pool, "carl", "ionos"));
    assert!(matches!(poll(pin!(anna.session("k"))), Poll::Ready(None)), "the right to make one");
    let mut second = pin!(berta.session("k"));
    assert!(poll(second.as_mut()).is_pending());
    assert!(matches!(poll(pin!(carl.session("k"))), Poll::Ready(None)));
    drop(anna);
    assert!(matches!(poll(second.as_mut()), Poll::Ready(None)));
}

#[test]
fn a_delivery_that_tries_a_second_way_waits_neither_for_itself_nor_for_others_who_do() {
    let pool = Pool::new(Bounds { all: 1, ..bounds(4, 4, 1) });
    let anna = seat(&pool, "anna", "gmx");
    for way in ["direct", "office", "direct"] {
        assert!(matches!(poll(pin!(anna.session(way))), Poll::Ready(None)), "{way}");
    }
    assert_eq!(pool.counts().under_way, 1);
    drop(anna);
    assert_eq!(pool.counts().under_way, 0);
}

#[test]
fn accounts_that_nobody_uses_are_forgotten() {
    let pool = pool(1, 0);
    for number in 0..=2 * MANY {
        assert!(matches!(poll(pin!(pool.enter(&number.to_string(), "gmx", None))), Poll::Ready(Ok(_))));
    }
    assert!(lock(&pool.accounts).len() <= MANY + 1);
}
