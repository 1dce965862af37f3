//! A number of places. Each caller may have a part of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::callers::CallerKey;
use super::in_flight::{ShareUsedUp, UsedUp};

/// How many places there are.
#[derive(Clone, Copy, Debug)]
pub struct ShareLimits {
    /// In all.
    pub total: usize,
    /// Of one caller.
    pub caller: usize,
}

/// Places that are taken by callers.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    limits: ShareLimits,
    state: Mutex<PlacesTaken>,
}

#[derive(Debug, Default)]
struct PlacesTaken {
    total: usize,
    /// Callers without a place are not in it.
    by_caller: HashMap<CallerKey, usize>,
}

/// A place of a caller, until it is dropped.
#[derive(Debug)]
pub struct SharePlace {
    shares: Shares,
    caller: CallerKey,
}

impl Shares {
    /// All places are free.
    #[must_use]
    pub fn new(limits: ShareLimits) -> Self {
        Self(Arc::new(Taken { limits, state: Mutex::default() }))
    }

    /// A place for a caller, at once or not at all.
    pub fn take(&self, caller: CallerKey) -> Result<SharePlace, ShareUsedUp> {
        let ShareLimits { total, caller: most } = self.0.limits;
        let mut state = self.state();
        let of_caller = state.by_caller.get(&caller).copied().unwrap_or_default();
        if of_caller >= most {
            return Err(ShareUsedUp(UsedUp::Caller));
        }
        if state.total >= total {
            return Err(ShareUsedUp(UsedUp::Process));
        }
        state.total += 1;
        state.by_caller.insert(caller, of_caller + 1);
        Ok(SharePlace { shares: self.clone(), caller })
    }

    fn state(&self) -> MutexGuard<'_, PlacesTaken> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SharePlace {
    fn drop(&mut self) {
        let mut state = self.shares.state();
        state.total -= 1;
        match state.by_caller.get_mut(&self.caller) {
            Some(taken) if *taken > 1 => *taken -= 1,
            Some(_) | None => drop(state.by_caller.remove(&self.caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_its_part_and_leaves_the_rest_to_others() {
        let shares = Shares::new(ShareLimits { total: 3, caller: 2 });
        let [one, other, third] = [1, 2, 3].map(|number| CallerKey::User(Some(number)));
        let why = |caller| shares.take(caller).err().map(|ShareUsedUp(used_up)| used_up);
        let ours = [shares.take(one), shares.take(one)].map(|place| place.expect("a place"));
        assert_eq!(why(one), Some(UsedUp::Caller));
        let theirs = shares.take(other).expect("a place of its own");
        assert_eq!((why(other), why(third)), (Some(UsedUp::Process), Some(UsedUp::Process)));
        drop(ours);
        let again = shares.take(other).expect("given back");
        assert_eq!(why(other), Some(UsedUp::Caller));
        drop((theirs, again));
        let state = shares.state();
        assert_eq!((state.total, state.by_caller.len()), (0, 0));
    }
}
