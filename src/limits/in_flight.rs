//! Requests and bytes in flight.
//!
//! Each connection has a small part of its own that nobody else can use up, so a
//! caller of small requests is served beside one that fills everything. What a
//! connection needs beyond that it borrows from the pool in chunks, within its own
//! limit and that of its caller. So most requests touch no memory that another
//! core writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A number of requests and of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Requests.
    pub requests: u64,
    /// Bytes of requests, answers and what is decoded of them.
    pub bytes: u64,
}

/// How much may be in flight at one time.
#[derive(Clone, Copy, Debug)]
pub struct InFlightLimits {
    /// In the process.
    pub process: Amount,
    /// Of one caller.
    pub caller: Amount,
    /// Of one connection.
    pub connection: Amount,
    /// The part that each connection has for itself, out of what the process may have.
    pub own_part: Amount,
    /// Maximum number of connections.
    pub connections: u64,
}

/// Whose share is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// That of the connection.
    Connection,
    /// That of the caller.
    Caller,
    /// That of the process.
    Process,
}

/// More may not be in flight now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as much is in flight as may be")]
pub struct ShareUsedUp(pub UsedUp);

/// What is borrowed at one time.
const CHUNK: Amount = Amount { requests: 16, bytes: 256 * 1024 };

/// What a request may keep beyond what it needs, until it ends.
const KEPT_BYTES: u64 = 4 * 1024;

/// An amount that is used by several.
#[derive(Debug, Default)]
struct Used {
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Pool {
    limits: InFlightLimits,
    /// What may be borrowed: the parts of the connections are not in it.
    to_borrow: Amount,
    borrowed: Used,
}

/// What one caller has borrowed.
#[derive(Debug, Default)]
pub(super) struct CallerUse(Used);

/// The share of one connection.
#[derive(Clone, Debug)]
pub struct ConnectionShare(Arc<ConnectionAccount>);

#[derive(Debug)]
struct ConnectionAccount {
    pool: Arc<Pool>,
    caller: Arc<CallerUse>,
    state: Mutex<AccountState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct AccountState {
    used: Amount,
    borrowed: Amount,
}

/// A request in flight, with its bytes. Given back when it is dropped.
#[derive(Debug)]
pub struct RequestPermit {
    account: Arc<ConnectionAccount>,
    bytes: AtomicU64,
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    fn times(self, count: u64) -> Self {
        Self { requests: self.requests.saturating_mul(count), bytes: self.bytes.saturating_mul(count) }
    }

    fn is_within(self, limit: Self) -> bool {
        self.requests <= limit.requests && self.bytes <= limit.bytes
    }

    /// The least number of whole chunks that is not less.
    fn in_chunks(self) -> Self {
        Self {
            requests: self.requests.next_multiple_of(CHUNK.requests),
            bytes: self.bytes.next_multiple_of(CHUNK.bytes),
        }
    }
}

impl Used {
    fn add(&self, amount: Amount, limit: Amount) -> bool {
        if !add_within(&self.requests, amount.requests, limit.requests) {
            return false;
        }
        if !add_within(&self.bytes, amount.bytes, limit.bytes) {
            self.requests.fetch_sub(amount.requests, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn subtract(&self, amount: Amount) {
        self.requests.fetch_sub(amount.requests, Ordering::Relaxed);
        self.bytes.fetch_sub(amount.bytes, Ordering::Relaxed);
    }

    fn now(&self) -> Amount {
        Amount { requests: self.requests.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }
}

fn add_within(counter: &AtomicU64, amount: u64, limit: u64) -> bool {
    if amount == 0 {
        return true;
    }
    let sum = |used: u64| used.checked_add(amount).filter(|sum| *sum <= limit);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

impl Pool {
    pub(super) fn new(limits: InFlightLimits) -> Self {
        let to_borrow = limits.process.minus(limits.own_part.times(limits.connections));
        Self { limits, to_borrow, borrowed: Used::default() }
    }

    /// What is borrowed now.
    pub(super) fn borrowed(&self) -> Amount {
        self.borrowed.now()
    }

    fn lend(&self, caller: &CallerUse, amount: Amount) -> Result<(), UsedUp> {
        if !caller.0.add(amount, self.limits.caller) {
            return Err(UsedUp::Caller);
        }
        if !self.borrowed.add(amount, self.to_borrow) {
            caller.0.subtract(amount);
            return Err(UsedUp::Process);
        }
        Ok(())
    }

    fn take_back(&self, caller: &CallerUse, amount: Amount) {
        caller.0.subtract(amount);
        self.borrowed.subtract(amount);
    }
}

impl ConnectionShare {
    pub(super) fn new(pool: Arc<Pool>, caller: Arc<CallerUse>) -> Self {
        Self(Arc::new(ConnectionAccount { pool, caller, state: Mutex::default() }))
    }

    /// Takes room for a request.
    pub fn start(&self, bytes: u64) -> Result<RequestPermit, ShareUsedUp> {
        self.0.take(Amount { requests: 1, bytes })?;
        Ok(RequestPermit { account: Arc::clone(&self.0), bytes: AtomicU64::new(bytes) })
    }

    /// Whether a request is in flight, or an answer not sent yet.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.state().used.requests == 0
    }
}

impl ConnectionAccount {
    fn state(&self) -> MutexGuard<'_, AccountState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, amount: Amount) -> Result<(), ShareUsedUp> {
        let limits = &self.pool.limits;
        let mut state = self.state();
        let used = state.used.plus(amount);
        if !used.is_within(limits.connection) {
            return Err(ShareUsedUp(UsedUp::Connection));
        }
        let missing = used.minus(limits.own_part).minus(state.borrowed);
        if missing != Amount::default() {
            let chunks = missing.in_chunks();
            let lent = match self.pool.lend(&self.caller, chunks) {
                Ok(()) => chunks,
                Err(_) => {
                    self.pool.lend(&self.caller, missing).map_err(ShareUsedUp)?;
                    missing
                }
            };
            state.borrowed = state.borrowed.plus(lent);
        }
        state.used = used;
        Ok(())
    }

    fn give_back(&self, amount: Amount) {
        let mut state = self.state();
        state.used = state.used.minus(amount);
        let needed = state.used.minus(self.pool.limits.own_part);
        let surplus = state.borrowed.minus(needed);
        // A little is kept while requests are in flight: the next one will need it.
        if needed == Amount::default() || !surplus.is_within(CHUNK.times(2)) {
            state.borrowed = state.borrowed.minus(surplus);
            if surplus != Amount::default() {
                self.pool.take_back(&self.caller, surplus);
            }
        }
    }
}

impl Drop for ConnectionAccount {
    fn drop(&mut self) {
        let borrowed = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).borrowed;
        self.pool.take_back(&self.caller, borrowed);
    }
}

impl RequestPermit {
    /// Takes more bytes.
    pub fn add(&self, bytes: u64) -> Result<(), ShareUsedUp> {
        self.account.take(Amount { requests: 0, bytes })?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Gives bytes back that were taken and takes others. If the others are only a
    /// little less, the difference is kept: that is cheaper than to give it back.
    pub fn exchange(&self, given_back: u64, taken: u64) -> Result<(), ShareUsedUp> {
        match given_back.checked_sub(taken) {
            Some(..=KEPT_BYTES) => Ok(()),
            Some(surplus) => {
                self.subtract(surplus);
                Ok(())
            }
            None => self.add(taken.saturating_sub(given_back)),
        }
    }

    /// Gives bytes back that were taken.
    pub fn subtract(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.account.give_back(Amount { requests: 0, bytes });
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.account.give_back(Amount { requests: 1, bytes: *self.bytes.get_mut() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    fn pool() -> Arc<Pool> {
        Arc::new(Pool::new(InFlightLimits {
            process: Amount { requests: 100, bytes: 4096 * KIB },
            caller: Amount { requests: 60, bytes: 2048 * KIB },
            connection: Amount { requests: 50, bytes: 1536 * KIB },
            own_part: Amount { requests: 2, bytes: 64 * KIB },
            connections: 16,
        }))
    }

    fn share(pool: &Arc<Pool>, caller: &Arc<CallerUse>) -> ConnectionShare {
        ConnectionShare::new(Arc::clone(pool), Arc::clone(caller))
    }

    fn why(result: Result<RequestPermit, ShareUsedUp>) -> Option<UsedUp> {
        result.err().map(|ShareUsedUp(used_up)| used_up)
    }

    #[test]
    fn a_connection_is_bounded_and_so_is_its_caller_and_the_process() {
        let pool = pool();
        let [one, other] = [(); 2].map(|()| Arc::new(CallerUse::default()));
        let first = share(&pool, &one);
        assert_eq!(why(first.start(1537 * KIB)), Some(UsedUp::Connection));
        let held = first.start(1536 * KIB).expect("within every limit");
        let second = share(&pool, &one);
        assert_eq!(why(second.start(1024 * KIB)), Some(UsedUp::Caller));
        let third = share(&pool, &other);
        let also_held = third.start(1536 * KIB).expect("another caller has a share of its own");
        // 16 parts of 64 KiB are set aside, 3072 KiB can be borrowed, and 2 × 1472 KiB are.
        let fourth = share(&pool, &Arc::new(CallerUse::default()));
        assert_eq!(why(fourth.start(512 * KIB)), Some(UsedUp::Process));
        drop((held, also_held));
        assert_eq!(pool.borrowed(), Amount::default());
        drop(fourth.start(512 * KIB).expect("given back"));
    }

    #[test]
    fn a_small_request_is_let_in_beside_one_that_has_taken_everything() {
        let pool = pool();
        let caller = Arc::new(CallerUse::default());
        let greedy = [(); 2].map(|()| share(&pool, &caller));
        let held: Vec<RequestPermit> =
            greedy.iter().flat_map(|share| std::iter::from_fn(|| share.start(200 * KIB).ok())).collect();
        assert!(held.len() > 5);
        let small = share(&pool, &caller);
        let permits = [small.start(8 * KIB), small.start(8 * KIB)];
        assert!(permits.iter().all(Result::is_ok), "{permits:?}");
        assert_eq!(why(small.start(200 * KIB)), Some(UsedUp::Caller));
    }

    #[test]
    fn what_grows_and_shrinks_is_given_back_whole() {
        let pool = pool();
        let share = share(&pool, &Arc::new(CallerUse::default()));
        let permit = share.start(KIB).expect("a permit");
        permit.add(1000 * KIB).expect("it may grow");
        assert_eq!(permit.add(1000 * KIB), Err(ShareUsedUp(UsedUp::Connection)));
        permit.subtract(900 * KIB);
        assert!(!share.is_idle());
        drop(permit);
        assert!(share.is_idle());
        assert_eq!(pool.borrowed(), Amount::default());
    }

    #[test]
    fn an_exchange_is_bounded_like_what_is_added() {
        let pool = pool();
        let share = share(&pool, &Arc::new(CallerUse::default()));
        let permit = share.start(KIB).expect("a permit");
        permit.add(1000 * KIB).expect("it may grow");
        assert_eq!(permit.exchange(1000 * KIB, 1600 * KIB), Err(ShareUsedUp(UsedUp::Connection)));
        permit.exchange(1000 * KIB, 1500 * KIB).expect("within the limit");
        permit.exchange(1500 * KIB, KIB).expect("less");
        let other = share.start(1534 * KIB).expect("what was given back");
        drop((permit, other));
        assert_eq!(pool.borrowed(), Amount::default());
    }

    #[test]
    fn requests_are_counted_too() {
        let pool = pool();
        let caller = Arc::new(CallerUse::default());
        let [one, other] = [(); 2].map(|()| share(&pool, &caller));
        let held: Vec<RequestPermit> = (0..50).map(|_| one.start(1).expect("a permit")).collect();
        assert_eq!(why(one.start(1)), Some(UsedUp::Connection));
        let more: Vec<RequestPermit> = std::iter::from_fn(|| other.start(1).ok()).collect();
        assert_eq!(more.len(), 60 - 48 + 2);
        drop((held, more));
        assert_eq!(pool.borrowed(), Amount::default());
    }
}
