//! Random bytes for ids and keys.

use super::error::StoreError;

/// Random bytes of the operating system's.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(StoreError::NoRandomness)?;
    Ok(bytes)
}
