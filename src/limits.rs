//! What every way in asks before it works: how much may be in flight at one time,
//! in the process, of one caller and of one connection.
//!
//! ```text
//!  connection ─▶ Callers::connect ─▶ ConnectionShare ─ take ─▶ RequestPermit ─ grow ─▶ … ─ drop: given back
//!                (or too many)       (its own part, then the pool)
//! ```

mod callers;
mod in_flight;
mod open_files;
mod rates;
mod shares;
mod turns;
mod worker_turn;
mod side_pool;

pub use callers::{CallerKey, Callers, ConnectionLimits, ConnectionPlace, TooManyConnections};
pub use in_flight::{Amount, ConnectionShare, InFlightLimits, RequestPermit, ShareUsedUp, UsedUp};
pub use open_files::{RESERVED_FILES, raise_open_files};
pub use rates::{RateUsedUp, Rates};
pub use shares::{ShareLimits, SharePlace, Shares};
pub use side_pool::{Cancelled, NotRun, SidePool, lower_priority};
pub use turns::{Turn, Turns};
pub use worker_turn::WorkerTurn;
