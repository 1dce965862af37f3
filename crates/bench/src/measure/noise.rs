//! Detects foreign load: processor time that neither this process nor its
//! children used during a measurement, or that the host took.

use std::fs;
use std::sync::{Mutex, PoisonError};

/// A repeat is noisy if more than this share of the machine's time was foreign.
const NOISY_FROM: f64 = 0.03;

/// The kernel's unit of processor time.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processes, beside this one, whose time is not foreign.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// The machine's processor time at a moment, in ticks.
#[derive(Clone, Copy)]
struct Ticks {
    /// All cores, busy or idle.
    all: u64,
    /// Used by any process, or stolen by the host.
    stolen_or_busy: u64,
    /// Used by this process, its children, and theirs.
    ours: u64,
}

/// Watches for foreign load from its start on.
pub struct NoiseProbe(Ticks);

impl NoiseProbe {
    /// Starts to watch.
    #[must_use]
    pub fn start() -> Self {
        Self(Ticks::now())
    }

    /// Whether the foreign load since the start was too high.
    #[must_use]
    pub fn was_noisy(&self) -> bool {
        let (start, now) = (self.0, Ticks::now());
        let foreign = (now.stolen_or_busy - start.stolen_or_busy).saturating_sub(now.ours - start.ours);
        foreign as f64 > NOISY_FROM * (now.all - start.all).max(1) as f64
    }
}

/// Counts the time of a process as not foreign.
pub fn add_child(pid: u32) {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
}

/// Undoes [`add_child`], before the process ends.
pub fn remove_child(pid: u32) {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).retain(|child| *child != pid);
}

/// The processor time of a process, user and system.
#[must_use]
pub fn processor_seconds_of(pid: u32) -> f64 {
    ticks_of(pid) as f64 / TICKS_PER_SECOND
}

fn ticks_of(pid: u32) -> u64 {
    fields_of(pid).get(11..13).unwrap_or_default().iter().sum()
}

/// The ticks of a process and of its children, also of those that have ended.
fn ticks_with_children_of(pid: u32) -> u64 {
    let own: u64 = fields_of(pid).get(11..15).unwrap_or_default().iter().sum();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    own + children.map(ticks_of).sum::<u64>()
}

/// The numbers of `/proc/PID/stat` after the name of the process.
fn fields_of(pid: u32) -> Vec<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may have spaces. Negative fields are no ticks and are read as 0.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect()
}

impl Ticks {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").expect("/proc/stat");
        let of_all = stat.lines().next().expect("the line of all cores");
        let ticks: Vec<u64> =
            of_all.split_whitespace().skip(1).map(|ticks| ticks.parse().expect("ticks")).collect();
        // user nice system idle iowait irq softirq steal, then guests, which are included in user.
        let all = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        let of_children: u64 = children.iter().map(|child| ticks_with_children_of(*child)).sum();
        let ours = ticks_of(std::process::id()) + of_children;
        Self { all, stolen_or_busy: all - idle, ours }
    }
}
