//! Random bytes for ids and keys.

/// The operating system returned no random bytes.
#[derive(Debug, thiserror::Error)]
#[error(
    "the operating system gives no random bytes for ids and keys: check that lupa may use its random source"
)]
pub struct NoRandomness(#[source] getrandom::Error);

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}
