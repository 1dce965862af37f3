//! Turns at something scarce, such as connections to read
//! through: the next one goes to the caller that has the fewest.
//!
//! One is kept back from each caller, so that what a single caller does never keeps
//! another waiting; between several, each gets an equal part.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::callers::CallerKey;

/// Hands out turns. The caller of this bounds the number of those that wait: see [`super::Shares`].
#[derive(Clone, Debug)]
pub struct Turns(Arc<TurnsTaken>);

#[derive(Debug)]
struct TurnsTaken {
    total: usize,
    state: Mutex<TurnState>,
}

#[derive(Debug, Default)]
struct TurnState {
    taken: usize,
    /// Callers that neither have a turn nor wait are not in it.
    by_caller: HashMap<CallerKey, CallerTurns>,
    /// The number of the next one that waits, or of the next turn.
    next: u64,
}

#[derive(Debug, Default)]
struct CallerTurns {
    taken: usize,
    waiting: VecDeque<Waiting>,
    /// When it got its last turn, counted in turns.
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    turn: oneshot::Sender<Turn>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// None: already given back.
    turns: Option<Turns>,
    caller: CallerKey,
}

/// Leaves the queue when the caller no longer waits.
struct WaitingPlace<'t> {
    turns: &'t Turns,
    caller: CallerKey,
    number: u64,
}

impl Turns {
    /// With this number of turns at one time; at least one.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self(Arc::new(TurnsTaken { total: total.max(1), state: Mutex::default() }))
    }

    /// Waits for a turn.
    pub async fn next(&self, caller: CallerKey) -> Turn {
        loop {
            let (turn, mine) = oneshot::channel();
            let place = self.wait(caller, turn);
            if let Ok(turn) = mine.await {
                return turn;
            }
            // Unreachable: who waits is forgotten only when it leaves.
            drop(place);
        }
    }

    fn wait(&self, caller: CallerKey, turn: oneshot::Sender<Turn>) -> WaitingPlace<'_> {
        let mut state = self.state();
        let number = state.number();
        state.by_caller.entry(caller).or_default().waiting.push_back(Waiting { number, turn });
        self.grant(&mut state);
        WaitingPlace { turns: self, caller, number }
    }

    /// Gives what is free to those that wait.
    fn grant(&self, state: &mut TurnState) {
        let total = self.0.total;
        // The last one is for a caller that has none.
        let most = (total - 1).max(1);
        while state.taken < total {
            let waiting = state.by_caller.iter().filter(|(_, one)| one.taken < most);
            let waiting =
                waiting.filter_map(|(caller, one)| Some((one, one.waiting.front()?.number, caller)));
            let next = waiting.min_by_key(|(one, number, _)| (one.taken, one.last, *number));
            let Some(caller) = next.map(|(_, _, caller)| *caller) else { return };
            let number = state.number();
            let Some(of_caller) = state.by_caller.get_mut(&caller) else { return };
            let Some(Waiting { turn, .. }) = of_caller.waiting.pop_front() else { return };
            match turn.send(Turn { turns: Some(self.clone()), caller }) {
                Ok(()) => {
                    of_caller.taken += 1;
                    of_caller.last = number;
                    state.taken += 1;
                }
                // It no longer waits; the lock is held, so nothing is given back by dropping this.
                Err(mut unwanted) => unwanted.turns = None,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, TurnState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TurnState {
    fn number(&mut self) -> u64 {
        let next = self.next + 1;
        mem::replace(&mut self.next, next)
    }

    fn forget_if_idle(&mut self, caller: CallerKey) {
        if self.by_caller.get(&caller).is_some_and(|one| one.taken == 0 && one.waiting.is_empty()) {
            self.by_caller.remove(&caller);
        }
    }
}

impl Drop for WaitingPlace<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if let Some(of_caller) = state.by_caller.get_mut(&self.caller) {
            of_caller.waiting.retain(|waiting| waiting.number != self.number);
        }
        state.forget_if_idle(self.caller);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.turns.take() else { return };
        let mut state = turns.state();
        state.taken -= 1;
        if let Some(of_caller) = state.by_caller.get_mut(&self.caller) {
            of_caller.taken -= 1;
        }
        turns.grant(&mut state);
        state.forget_if_idle(self.caller);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Asked<'t> = Pin<Box<dyn Future<Output = Turn> + 't>>;

    const ONE: CallerKey = CallerKey::User(Some(1));
    const OTHER: CallerKey = CallerKey::User(Some(2));
    const THIRD: CallerKey = CallerKey::User(Some(3));

    fn poll<F: Future + Unpin>(asked: &mut F) -> Option<F::Output> {
        match pin!(asked).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn ask(turns: &Turns, caller: CallerKey) -> (Asked<'_>, Option<Turn>) {
        let mut asked: Asked<'_> = Box::pin(turns.next(caller));
        let turn = poll(&mut asked);
        (asked, turn)
    }

    #[test]
    fn a_caller_that_takes_all_it_can_leaves_one_for_another() {
        let turns = Turns::new(4);
        let (mut waiting, taken): (Vec<_>, Vec<_>) = (0..9).map(|_| ask(&turns, ONE)).unzip();
        assert_eq!(taken.iter().flatten().count(), 3);
        let (_, theirs) = ask(&turns, OTHER);
        assert!(theirs.is_some(), "another caller waits for nobody");
        // Each further turn goes to the one that has fewer.
        let (mut next, none) = ask(&turns, OTHER);
        assert!(none.is_none());
        drop(taken);
        let held = poll(&mut next);
        assert!(held.is_some());
        let more: Vec<Turn> = waiting.iter_mut().skip(3).filter_map(poll).collect();
        assert_eq!(more.len(), 2);
    }

    #[test]
    fn turns_go_round_between_callers_that_have_equally_many() {
        let turns = Turns::new(1);
        let (_, mut now) = ask(&turns, ONE);
        let mut asked: Vec<_> =
            [ONE, ONE, OTHER, OTHER, THIRD].map(|caller| (caller, ask(&turns, caller).0)).into();
        let mut order = Vec::new();
        while !asked.is_empty() {
            drop(now.take());
            let place = asked.iter_mut().position(|(_, asked)| {
                now = poll(asked);
                now.is_some()
            });
            order.push(asked.remove(place.expect("somebody has the turn")).0);
        }
        drop(now);
        assert_eq!(order, [OTHER, THIRD, ONE, OTHER, ONE]);
        assert!(turns.state().by_caller.is_empty());
    }

    #[test]
    fn who_no_longer_waits_is_forgotten() {
        let turns = Turns::new(1);
        let (_, held) = ask(&turns, ONE);
        let (waits, none) = ask(&turns, OTHER);
        let (granted, _) = ask(&turns, THIRD);
        assert!(none.is_none());
        drop(waits);
        assert_eq!(turns.state().by_caller.len(), 2);
        // The turn comes while the one that waits for it goes.
        drop(held);
        drop(granted);
        {
            let state = turns.state();
            assert_eq!((state.taken, state.by_caller.len()), (0, 0));
        }
        assert!(ask(&turns, OTHER).1.is_some());
    }
}
