//! Connections: how many there are in all and of each caller.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::in_flight::{Amount, CallerUse, ConnectionShare, InFlightLimits, Pool};

/// Whose connections and requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerKey {
    /// An IPv4 address, or the first 64 bits of an IPv6 address: one machine has many of these.
    Network(IpAddr),
    /// A caller of the callers file, by its number.
    Named(u32),
    /// A user of this machine, over the Unix domain socket. None: the system does not say which.
    User(Option<u32>),
}

impl CallerKey {
    /// The key of a caller at an address.
    #[must_use]
    pub fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Network(address.into()),
            IpAddr::V6(address) => {
                Self::Network(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into())
            }
        }
    }
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In the process.
    pub process: u64,
    /// Of one caller.
    pub caller: u64,
    /// Beyond these: only the health is answered there.
    pub reserve: u64,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooManyConnections {
    /// The caller has as many as it may have.
    OfCaller,
    /// There are as many as there may be.
    OfProcess,
}

/// All callers that are connected.
#[derive(Clone, Debug)]
pub struct Callers(Arc<CallersState>);

#[derive(Debug)]
struct CallersState {
    limits: ConnectionLimits,
    pool: Arc<Pool>,
    by_key: Mutex<HashMap<CallerKey, Connected>>,
    served: AtomicU64,
    reserved: AtomicU64,
}

#[derive(Debug, Default)]
struct Connected {
    connections: u64,
    used: Arc<CallerUse>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub struct ConnectionPlace {
    callers: Callers,
    served: Result<CallerKey, TooManyConnections>,
    share: ConnectionShare,
}

impl Callers {
    /// Nobody is connected yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits, in_flight: InFlightLimits) -> Self {
        Self(Arc::new(CallersState {
            limits,
            pool: Arc::new(Pool::new(in_flight)),
            by_key: Mutex::default(),
            served: AtomicU64::new(0),
            reserved: AtomicU64::new(0),
        }))
    }

    /// A place for a connection; one in the reserve if there are too many, and none if that is full too.
    pub fn connect(&self, key: CallerKey) -> Result<ConnectionPlace, TooManyConnections> {
        let too_many = match self.serve(key) {
            Ok(place) => return Ok(place),
            Err(too_many) => too_many,
        };
        let CallersState { limits, pool, reserved, .. } = &*self.0;
        if !add_one(reserved, limits.reserve) {
            return Err(too_many);
        }
        let share = ConnectionShare::new(Arc::clone(pool), Arc::default());
        Ok(ConnectionPlace { callers: self.clone(), served: Err(too_many), share })
    }

    fn serve(&self, key: CallerKey) -> Result<ConnectionPlace, TooManyConnections> {
        let CallersState { limits, pool, served, .. } = &*self.0;
        let mut by_key = self.by_key();
        let caller = by_key.entry(key).or_default();
        if caller.connections >= limits.caller {
            return Err(TooManyConnections::OfCaller);
        }
        if !add_one(served, limits.process) {
            if caller.connections == 0 {
                by_key.remove(&key);
            }
            return Err(TooManyConnections::OfProcess);
        }
        caller.connections += 1;
        let share = ConnectionShare::new(Arc::clone(pool), Arc::clone(&caller.used));
        Ok(ConnectionPlace { callers: self.clone(), served: Ok(key), share })
    }

    /// What is borrowed from what all connections share.
    #[must_use]
    pub fn borrowed(&self) -> Amount {
        self.0.pool.borrowed()
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<CallerKey, Connected>> {
        self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add_one(counter: &AtomicU64, limit: u64) -> bool {
    let more = |count: u64| (count < limit).then_some(count + 1);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

impl ConnectionPlace {
    /// What this connection may have in flight.
    #[must_use]
    pub fn share(&self) -> &ConnectionShare {
        &self.share
    }

    /// The place of the same connection, once it is known whose it is. It stays in the
    /// reserve if it is there.
    pub fn of(self, key: CallerKey) -> Result<Self, TooManyConnections> {
        match self.served {
            Ok(before) if before != key => self.callers.clone().connect(key),
            Ok(_) | Err(_) => Ok(self),
        }
    }

    /// Why it has no place among those that are served; none if it has one.
    #[must_use]
    pub fn in_reserve(&self) -> Option<TooManyConnections> {
        self.served.err()
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let Ok(key) = self.served else {
            self.callers.0.reserved.fetch_sub(1, Ordering::Relaxed);
            return;
        };
        self.callers.0.served.fetch_sub(1, Ordering::Relaxed);
        let mut by_key = self.callers.by_key();
        if let Some(caller) = by_key.get_mut(&key) {
            caller.connections -= 1;
            if caller.connections == 0 {
                by_key.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers() -> Callers {
        let many = Amount { requests: 1 << 20, bytes: 1 << 40 };
        let own_part = Amount::default();
        Callers::new(
            ConnectionLimits { process: 5, caller: 3, reserve: 1 },
            InFlightLimits { process: many, caller: many, connection: many, own_part, connections: 5 },
        )
    }

    fn key(address: &str) -> CallerKey {
        CallerKey::of_address(address.parse().expect("an address"))
    }

    #[test]
    fn a_caller_leaves_room_for_others_and_the_reserve_is_last() {
        let callers = callers();
        let ours: Vec<_> = (0..3).map(|_| callers.connect(key("192.0.2.1")).expect("a place")).collect();
        assert!(ours.iter().all(|place| place.in_reserve().is_none()));
        let reserve = callers.connect(key("192.0.2.1")).expect("a place in the reserve");
        assert_eq!(reserve.in_reserve(), Some(TooManyConnections::OfCaller));
        assert_eq!(callers.connect(key("192.0.2.1")).err(), Some(TooManyConnections::OfCaller));
        let theirs: Vec<_> = (0..2).map(|_| callers.connect(key("192.0.2.2")).expect("a place")).collect();
        assert!(theirs.iter().all(|place| place.in_reserve().is_none()));
        assert_eq!(callers.connect(key("192.0.2.3")).err(), Some(TooManyConnections::OfProcess));
        drop((ours, reserve, theirs));
        assert!(callers.by_key().is_empty());
        assert_eq!(callers.connect(key("192.0.2.3")).expect("a place").in_reserve(), None);
    }

    #[test]
    fn addresses_of_one_network_are_one_caller() {
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
