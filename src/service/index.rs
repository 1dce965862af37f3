//! The index service: size and freshness of the index, for operators.

use tonic::{Request, Response, Status};

use crate::index::{BaseBytes, CheckpointStats, IndexStats, MergeStats, MinuteDigest, Unavailable};
use crate::wire::admin::index_service_server::IndexService;
use crate::wire::admin::{self, GetIndexStatsRequest, GetIndexStatsResponse};
use crate::wire::index::to_duration;

use super::Core;
use super::caller::RequestCaller;
use super::status::Failure;
use crate::identity::Verb;

/// The index service.
#[derive(Clone)]
pub struct Indexes {
    core: Core,
}

impl Indexes {
    /// Reports on the index of these parts.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl IndexService for Indexes {
    async fn get_index_stats(
        &self,
        request: Request<GetIndexStatsRequest>,
    ) -> Result<Response<GetIndexStatsResponse>, Status> {
        RequestCaller::entitled(&request, Verb::Operate)?;
        let index = &self.core.index;
        let stats = index.stats().zip(index.base_bytes());
        let (stats, base_bytes) = stats.ok_or(Failure::Unavailable(Unavailable::NotLoaded))?;
        Ok(Response::new(to_stats(&stats, base_bytes)))
    }
}

fn to_stats(stats: &IndexStats, base_bytes: BaseBytes) -> GetIndexStatsResponse {
    let IndexStats {
        revision,
        age,
        digest,
        minute_digest,
        clients,
        declarations,
        overlay_clients,
        merges: MergeStats { merges, last_took, longest_step },
        load_took,
        checkpoint,
    } = *stats;
    let BaseBytes { clients: client_bytes, entries, contents } = base_bytes;
    GetIndexStatsResponse {
        revision: revision.0,
        age: Some(to_duration(age)),
        clients: clients as u64,
        declarations,
        base_bytes: Some(admin::BaseBytes {
            clients: client_bytes as u64,
            entries: entries as u64,
            contents: contents as u64,
        }),
        overlay_clients: overlay_clients as u64,
        merges: Some(admin::Merges {
            count: merges,
            last_took: Some(to_duration(last_took)),
            longest_step: Some(to_duration(longest_step)),
        }),
        load_took: Some(to_duration(load_took)),
        checkpoint: checkpoint.map(|CheckpointStats { revision, age, bytes, took }| admin::Checkpoint {
            revision: revision.0,
            age: Some(to_duration(age)),
            bytes,
            took: Some(to_duration(took)),
        }),
        digest: digest.to_string(),
        mark: minute_digest.map(|MinuteDigest { revision, digest }| admin::Mark {
            revision: revision.0,
            digest: digest.to_string(),
        }),
    }
}
