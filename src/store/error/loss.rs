//! Losses of acknowledged changes that are found when a file is opened.

use crate::store::change::Revision;

/// Why a file has lost acknowledged changes, or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Frames of the write-ahead log cannot be applied.
    #[error("its write-ahead log is damaged at frame {frame}, and {commits} later commits cannot be applied")]
    Log {
        /// The first bad frame, from 1; 0 is the header of the log.
        frame: u64,
        /// The number of commits behind it.
        commits: u64,
    },
    /// The file ends before the last acknowledged change.
    #[error("revision {acknowledged} was acknowledged, and the last one in the file is {found}")]
    Changes {
        /// The revision in the watermark.
        acknowledged: Revision,
        /// The last revision in the file.
        found: Revision,
    },
    /// The file ends before the last viewing that was logged.
    #[error("viewing {acknowledged} was logged, and the last one in the file is {found}")]
    Viewings {
        /// The number in the watermark.
        acknowledged: u64,
        /// The last number in the file.
        found: u64,
    },
    /// The watermark counts in another epoch.
    #[error("its watermark is of another epoch, so it is not the file that was here last")]
    OtherEpoch,
    /// There is no watermark.
    #[error("its .watermark file, which belongs beside it, is missing")]
    NoWatermark,
    /// The watermark has no valid MAC.
    #[error("its .watermark file is damaged or of another store")]
    UnverifiedWatermark,
}
