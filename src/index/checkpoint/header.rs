//! The header of a checkpoint: the state that it holds, the positions and digests of its parts, and the
//! MAC, which so authenticates the whole file.

use std::io::Read;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::digest::StateDigest;
use super::super::key::{SLICES, Seed};
use super::super::snapshot::Snapshot;
use super::{ByteReader, ByteWriter, CheckpointRefusal, Unusable};
use crate::policy::day::Instant;
use crate::store::{CheckpointRecord, Epoch, KeyPurpose, Point, Revision, Store, keyed};

/// Identifies the file format.
const MAGIC: &[u8; 16] = b"lupa index 0003\n";

/// Digest of the sources that wrote it. Another build may read declarations that
/// this one cannot, and the other way round, so its checkpoints are not used.
pub(super) const BUILD: &str = env!("INDEX_DIGEST");

/// The slices, and after them the links.
pub(super) const PARTS: usize = SLICES + 1;

const EPOCH_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// Length of the beginning, which names the format and the build.
const PREFIX_BYTES: usize = MAGIC.len() + BUILD.len();

/// The start of a checkpoint.
pub(super) struct CheckpointHeader {
    pub(super) point: Point,
    /// When the change of that revision was recorded.
    pub(super) recorded_at: Option<Instant>,
    /// Revision of the directory; 0: there is none.
    pub(super) directory_revision: Revision,
    pub(super) seed: Seed,
    /// Digest of the state.
    pub(super) digest: StateDigest,
    /// Each slice, and then the links.
    pub(super) parts: Vec<CheckpointPart>,
}

/// A part of the file.
#[derive(Clone, Copy, Default)]
pub(super) struct CheckpointPart {
    pub(super) at: u64,
    pub(super) length: u64,
    sha256: [u8; DIGEST_BYTES],
}

/// The key of the MAC of a store's checkpoints.
pub(super) struct CheckpointKey(Hmac<Sha256>);

impl CheckpointKey {
    pub(super) fn of(store: &Store) -> Self {
        Self(keyed(&store.derived_key(KeyPurpose::Checkpoints)))
    }
}

impl CheckpointPart {
    pub(super) fn of(at: u64, body: &[u8]) -> Self {
        Self { at, length: body.len() as u64, sha256: Sha256::digest(body).into() }
    }

    /// Whether these are the bytes that were written.
    pub(super) fn is(&self, body: &[u8]) -> bool {
        let found: [u8; DIGEST_BYTES] = Sha256::digest(body).into();
        found == self.sha256
    }
}

impl CheckpointHeader {
    pub(super) const LENGTH: usize = PREFIX_BYTES
        + EPOCH_BYTES
        + 6 * size_of::<u64>()
        + PARTS * (2 * size_of::<u64>() + DIGEST_BYTES)
        + MAC_BYTES;

    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            point: snapshot.point(),
            recorded_at: snapshot.recorded_at,
            directory_revision: snapshot.directory_revision,
            seed: snapshot.base.seed,
            digest: snapshot.digest,
            parts: Vec::with_capacity(PARTS),
        }
    }

    /// What the store keeps of the checkpoint.
    pub(super) fn record(&self) -> CheckpointRecord {
        CheckpointRecord { point: self.point, build: BUILD, digest: self.digest.number() }
    }

    pub(super) fn bytes(&self, key: &CheckpointKey) -> Vec<u8> {
        let Self { point, recorded_at, directory_revision, seed: Seed(seed), digest, parts } = self;
        let mut writer = ByteWriter::default();
        writer.raw(MAGIC);
        writer.raw(BUILD.as_bytes());
        writer.raw(point.epoch.0.as_bytes());
        writer.number(point.revision.0);
        writer.number(recorded_at.map_or(0, |at| at.timestamp_micros()).cast_unsigned());
        writer.number(directory_revision.0);
        seed.iter().for_each(|word| writer.number(*word));
        writer.number(digest.number());
        for CheckpointPart { at, length, sha256 } in parts {
            writer.number(*at);
            writer.number(*length);
            writer.raw(sha256);
        }
        let mut bytes = writer.into_bytes();
        let CheckpointKey(mac) = key;
        let mac = mac.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        bytes
    }

    /// Reads the header. Nothing of it counts before its MAC is verified.
    pub(super) fn read(file: &mut impl Read, key: &CheckpointKey) -> Result<Self, Unusable> {
        let mut bytes = Vec::new();
        file.take(Self::LENGTH as u64).read_to_end(&mut bytes)?;
        let prefix = bytes.get(..PREFIX_BYTES).ok_or(CheckpointRefusal::Damaged)?;
        if prefix != [MAGIC, BUILD.as_bytes()].concat() {
            return Err(Unusable::OtherBuild);
        }
        let (signed, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(CheckpointRefusal::Damaged)?;
        let CheckpointKey(key) = key;
        key.clone().chain_update(signed).verify_slice(mac).map_err(|_| CheckpointRefusal::Mac)?;
        let fields = signed.get(PREFIX_BYTES..).and_then(Self::parse);
        Ok(fields.ok_or(CheckpointRefusal::Damaged)?)
    }

    /// Reads what follows the prefix.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = ByteReader::new(bytes);
        let epoch = Epoch(Uuid::from_slice(reader.raw(EPOCH_BYTES)?).ok()?);
        let revision = Revision(reader.number()?);
        let recorded_at = Instant::from_timestamp_micros(reader.number()?.cast_signed())?;
        let recorded_at = (revision != Revision(0)).then_some(recorded_at);
        let directory_revision = Revision(reader.number()?);
        let seed = Seed([reader.number()?, reader.number()?]);
        let digest = StateDigest::of_number(reader.number()?);
        let mut part = || {
            let (at, length) = (reader.number()?, reader.number()?);
            Some(CheckpointPart { at, length, sha256: *reader.raw(DIGEST_BYTES)?.first_chunk()? })
        };
        let parts = (0..PARTS).map(|_| part()).collect::<Option<Vec<_>>>()?;
        let point = Point { epoch, revision };
        Some(Self { point, recorded_at, directory_revision, seed, digest, parts })
    }
}
