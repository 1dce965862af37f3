//! The header of a checkpoint: the state that it holds, and the positions of its parts.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::digest::StateDigest;
use super::super::key::{SLICES, Seed};
use super::super::snapshot::Snapshot;
use super::{ByteReader, ByteWriter, DIGEST_BYTES};
use crate::policy::day::Instant;
use crate::store::{Epoch, Revision};

/// Identifies the file format.
const MAGIC: &[u8; 16] = b"lupa index 0002\n";

/// Digest of the sources that wrote it. Another build may read declarations that
/// this one cannot, and the other way round, so its checkpoints are not used.
const SOURCES: &[u8] = env!("INDEX_DIGEST").as_bytes();

/// The slices, and after them the links.
pub(super) const PARTS: usize = SLICES + 1;

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
    /// Offset and length of each slice, and then of the links.
    pub(super) parts: Vec<(u64, u64)>,
}

impl CheckpointHeader {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            epoch: snapshot.point().epoch,
            revision: snapshot.revision,
            recorded_at: snapshot.recorded_at,
            directory_revision: snapshot.directory_revision,
            seed: snapshot.base.seed,
            digest: snapshot.digest,
            parts: Vec::with_capacity(PARTS),
        }
    }

    /// Of constant length: positions not known yet are zero.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self { epoch, revision, recorded_at, directory_revision, seed: Seed(seed), digest, parts } = self;
        let mut writer = ByteWriter::default();
        writer.raw(MAGIC);
        writer.raw(SOURCES);
        writer.raw(epoch.0.as_bytes());
        writer.number(revision.0);
        writer.number(recorded_at.map_or(0, |at| at.timestamp_micros()).cast_unsigned());
        writer.number(directory_revision.0);
        seed.iter().for_each(|word| writer.number(*word));
        writer.number(digest.number());
        let unknown = std::iter::repeat(&(0, 0));
        for (at, length) in parts.iter().chain(unknown).take(PARTS) {
            writer.number(*at);
            writer.number(*length);
        }
        let mut bytes = writer.into_bytes();
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
        MAGIC.len() + SOURCES.len() + EPOCH_BYTES + 6 * size_of::<u64>() + PARTS * 16 + DIGEST_BYTES;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        let found: [u8; DIGEST_BYTES] = Sha256::digest(body).into();
        let mut reader = ByteReader::new(body);
        if reader.raw(MAGIC.len())? != MAGIC || reader.raw(SOURCES.len())? != SOURCES || found != *digest {
            return None;
        }
        let epoch = Epoch(Uuid::from_slice(reader.raw(EPOCH_BYTES)?).ok()?);
        let revision = Revision(reader.number()?);
        let recorded_at = Instant::from_timestamp_micros(reader.number()?.cast_signed())?;
        let recorded_at = (revision != Revision(0)).then_some(recorded_at);
        let directory_revision = Revision(reader.number()?);
        let seed = Seed([reader.number()?, reader.number()?]);
        let digest = StateDigest::of_number(reader.number()?);
        let parts =
            (0..PARTS).map(|_| Some((reader.number()?, reader.number()?))).collect::<Option<Vec<_>>>()?;
        Some(Self { epoch, revision, recorded_at, directory_revision, seed, digest, parts })
    }

    /// The digest of a part. It covers seed, revision and number, so that a part
    /// of another checkpoint or position does not pass.
    pub(super) fn digest_of(&self, number: usize, body: &[u8]) -> [u8; DIGEST_BYTES] {
        let Seed([one, other]) = self.seed;
        let nonce = [one, other, self.revision.0, number as u64].map(u64::to_le_bytes).concat();
        Sha256::new().chain_update(nonce).chain_update(body).finalize().into()
    }
}
