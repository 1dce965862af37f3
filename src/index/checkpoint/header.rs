//! The header of a checkpoint: the state that it holds, and the positions of its slices.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::digest::StateDigest;
use super::super::key::{SLICES, Seed};
use super::super::snapshot::Snapshot;
use super::{DIGEST_BYTES, Input, Output};
use crate::policy::day::Instant;
use crate::store::{Epoch, Revision};

/// Identifies the file format.
const MAGIC: &[u8; 16] = b"lupa index 0001\n";

/// Digest of the sources that wrote it. Another build may read declarations that
/// this one cannot, and the other way round, so its checkpoints are not used.
const SOURCES: &[u8] = env!("INDEX_DIGEST").as_bytes();

const EPOCH_BYTES: usize = 16;

/// The start of a checkpoint.
pub(super) struct CheckpointHeader {
    pub(super) epoch: Epoch,
    pub(super) revision: Revision,
    /// When the change of that revision was recorded.
    pub(super) recorded_at: Option<Instant>,
    /// Revision of the directory; 0: there is none.
    pub(super) directory_revision: Revision,
    pub(super) seed: Seed,
    /// Digest of the state.
    pub(super) digest: StateDigest,
    /// Offset and length of each slice.
    pub(super) slices: Vec<(u64, u64)>,
}

impl CheckpointHeader {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            epoch: snapshot.epoch,
            revision: snapshot.revision,
            recorded_at: snapshot.recorded_at,
            directory_revision: snapshot.directory_revision,
            seed: snapshot.base.seed,
            digest: snapshot.digest,
            slices: Vec::with_capacity(SLICES),
        }
    }

    /// Of constant length: positions not known yet are zero.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self { epoch, revision, recorded_at, directory_revision, seed: Seed(seed), digest, slices } =
            self;
        let mut output = Output::default();
        output.raw(MAGIC);
        output.raw(SOURCES);
        output.raw(epoch.0.as_bytes());
        output.number(revision.0);
        output.number(recorded_at.map_or(0, |at| at.timestamp_micros()).cast_unsigned());
        output.number(directory_revision.0);
        seed.iter().for_each(|word| output.number(*word));
        output.number(digest.number());
        let unknown = std::iter::repeat(&(0, 0));
        for (at, length) in slices.iter().chain(unknown).take(SLICES) {
            output.number(*at);
            output.number(*length);
        }
        let mut bytes = output.into_bytes();
        let digest: [u8; DIGEST_BYTES] = Sha256::digest(&bytes).into();
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// None unless it is a header that this build wrote.
    pub(super) fn read(file: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        file.take(Self::LENGTH as u64).read_to_end(&mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    const LENGTH: usize =
        MAGIC.len() + SOURCES.len() + EPOCH_BYTES + 6 * size_of::<u64>() + SLICES * 16 + DIGEST_BYTES;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        let found: [u8; DIGEST_BYTES] = Sha256::digest(body).into();
        let mut input = Input::new(body);
        if input.raw(MAGIC.len())? != MAGIC || input.raw(SOURCES.len())? != SOURCES || found != *digest {
            return None;
        }
        let epoch = Epoch(Uuid::from_slice(input.raw(EPOCH_BYTES)?).ok()?);
        let revision = Revision(input.number()?);
        let recorded_at = Instant::from_timestamp_micros(input.number()?.cast_signed())?;
        let recorded_at = (revision != Revision(0)).then_some(recorded_at);
        let directory_revision = Revision(input.number()?);
        let seed = Seed([input.number()?, input.number()?]);
        let digest = StateDigest::of_number(input.number()?);
        let slices =
            (0..SLICES).map(|_| Some((input.number()?, input.number()?))).collect::<Option<Vec<_>>>()?;
        Some(Self { epoch, revision, recorded_at, directory_revision, seed, digest, slices })
    }

    /// The digest of a slice. It covers seed, revision and number, so that a slice
    /// of another checkpoint or position does not pass.
    pub(super) fn digest_of(&self, number: usize, body: &[u8]) -> [u8; DIGEST_BYTES] {
        let Seed([one, other]) = self.seed;
        let nonce = [one, other, self.revision.0, number as u64].map(u64::to_le_bytes).concat();
        Sha256::new().chain_update(nonce).chain_update(body).finalize().into()
    }
}
