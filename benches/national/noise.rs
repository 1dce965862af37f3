//! Whether the machine did something else while it was measured.

use std::fs;
use std::sync::{Mutex, PoisonError};

/// More than this share of the machine's time to others makes a repeat noisy.
const NOISY_FROM: f64 = 0.03;

/// The children whose time is ours.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// The machine's clocks at a moment, in ticks.
#[derive(Clone, Copy)]
struct Ticks {
    /// Of all cores, whatever they did.
    all: u64,
    /// Stolen by the host, or used by anyone.
    stolen_or_busy: u64,
    /// Of this process, its children, and theirs.
    ours: u64,
}

/// Watches from when it is made.
pub(crate) struct Watch(Ticks);

impl Watch {
    pub(crate) fn begin() -> Self {
        Self(Ticks::now())
    }

    /// Whether others took too much since.
    pub(crate) fn was_noisy(&self) -> bool {
        let (began, now) = (self.0, Ticks::now());
        let foreign = (now.stolen_or_busy - began.stolen_or_busy).saturating_sub(now.ours - began.ours);
        foreign as f64 > NOISY_FROM * (now.all - began.all).max(1) as f64
    }
}

pub(crate) fn add_child(pid: u32) {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
}

pub(crate) fn remove_child(pid: u32) {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).retain(|child| *child != pid);
}

/// The ticks of a process's user and system time.
pub(crate) fn ticks_of(pid: u32) -> u64 {
    fields_of(pid).get(11..13).unwrap_or_default().iter().sum()
}

/// The same with its children, those that have ended too.
fn ticks_with_children_of(pid: u32) -> u64 {
    let own: u64 = fields_of(pid).get(11..15).unwrap_or_default().iter().sum();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    own + children.map(ticks_of).sum::<u64>()
}

/// The numbers of a process's `stat`, from the one after its name and state on.
fn fields_of(pid: u32) -> Vec<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may have spaces; what is below zero counts no ticks.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect()
}

impl Ticks {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").expect("/proc/stat");
        let of_all = stat.lines().next().expect("the line of all cores");
        let ticks: Vec<u64> =
            of_all.split_whitespace().skip(1).map(|ticks| ticks.parse().expect("ticks")).collect();
        // user nice system idle iowait irq softirq steal, then guests, which are counted in user.
        let all = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        let of_children: u64 = children.iter().map(|child| ticks_with_children_of(*child)).sum();
        let ours = ticks_of(std::process::id()) + of_children;
        Self { all, stolen_or_busy: all - idle, ours }
    }
}
