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
    /// Of this process and its children.
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
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it may have spaces.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
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
        let ours = ticks_of(std::process::id()) + children.iter().map(|child| ticks_of(*child)).sum::<u64>();
        Self { all, stolen_or_busy: all - idle, ours }
    }
}
