//! The directory service: the directory is read and replaced as a whole.

use tonic::{Request, Response, Status};

use crate::identity::Verb;
use crate::limits::{CallerKey, Cancelled};
use crate::policy::directory::Directory;
use crate::store::{Point, Replaced};
use crate::telemetry::metrics::StoreOperation;
use crate::wire::directory::{check_entries, directory, to_directory};
use crate::wire::v1::directory_service_server::DirectoryService;
use crate::wire::v1::{
    GetDirectoryRequest, GetDirectoryResponse, ReplaceDirectoryRequest, ReplaceDirectoryResponse,
};
use crate::wire::violation::{InvalidRequest, to_timestamp};

use super::Core;
use super::caller::RequestCaller;
use super::status::Failure;

/// The directory service.
#[derive(Clone)]
pub struct Directories {
    core: Core,
}

impl Directories {
    /// Keeps the directory in these parts.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    async fn replace(
        &self,
        message: ReplaceDirectoryRequest,
        caller: CallerKey,
    ) -> Result<ReplaceDirectoryResponse, Failure> {
        let ReplaceDirectoryRequest { directory: message, expected_token, validate_only } = message;
        let message = message.ok_or_else(|| InvalidRequest::one("directory", "required"))?;
        check_entries(&message, self.core.limits.directory_entries_max)?;
        let read = move |_: &Core, _: &Cancelled| -> Result<Directory, Failure> {
            Ok(directory(&message).map_err(|faults| faults.within("directory"))?)
        };
        let directory = self.core.beside(read).await?;
        if directory.organisations().is_empty() {
            return Err(InvalidRequest::one(
                "directory.organisations",
                "required: an empty directory is never meant",
            )
            .into());
        }
        let unchanged_since = match expected_token.as_str() {
            "" => None,
            token => Some(self.unchanged_since(token, caller).await?),
        };
        if validate_only {
            return Ok(ReplaceDirectoryResponse::default());
        }
        self.core.now_to_record(self.core.index.newest().as_deref())?;
        let store = async {
            let store = &self.core.store;
            Ok(match unchanged_since {
                None => store.replace_directory(directory).await?,
                Some(point) => store.replace_directory_unchanged_since(directory, point).await?,
            })
        };
        let Replaced { point, max_staleness } =
            self.core.stored(StoreOperation::ReplaceDirectory, store).await?;
        let everywhere = self.core.everywhere(self.core.clock.wall(), max_staleness);
        self.core.wait_for_stored(point).await?;
        Ok(ReplaceDirectoryResponse {
            token: self.core.tokens.write(point),
            effective_everywhere_after: Some(to_timestamp(everywhere.at)),
        })
    }

    /// A recent point up to which the directory of a token is still in force. The
    /// changes since the token are read here, outside the transaction that stores
    /// the new directory: that one only reads the few that come after the point.
    async fn unchanged_since(&self, token: &str, caller: CallerKey) -> Result<Point, Failure> {
        let expected = self.core.wait_for_token(token, "expected_token").await?;
        let snapshot = self.core.snapshot("").await?;
        let point = snapshot.point();
        // A new epoch may have started since, which does not have the revision of the token.
        if !snapshot.lineage().contains(expected) {
            return Err(Failure::TokenOfAnotherStore);
        }
        let mut after = expected.revision;
        while after < point.revision {
            let place = self.core.reading.place(caller)?;
            let changed = self.core.clients_changed(after, point, caller, Some(place)).await?;
            if changed.iter().any(|change| change.client.is_none()) {
                return Err(Failure::DirectoryChanged);
            }
            after = changed.last().map_or(point.revision, |last| last.revision);
        }
        Ok(point)
    }

    async fn show(&self) -> Result<GetDirectoryResponse, Failure> {
        let snapshot = self.core.snapshot("").await?;
        let write = move |core: &Core, _: &Cancelled| {
            Ok(GetDirectoryResponse {
                directory: Some(to_directory(snapshot.directory())),
                token: core.tokens.write(snapshot.point()),
            })
        };
        self.core.beside(write).await
    }
}

#[tonic::async_trait]
impl DirectoryService for Directories {
    async fn replace_directory(
        &self,
        request: Request<ReplaceDirectoryRequest>,
    ) -> Result<Response<ReplaceDirectoryResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::ImportDirectory)?;
        Ok(Response::new(self.replace(request.into_inner(), caller.key).await?))
    }

    async fn get_directory(
        &self,
        request: Request<GetDirectoryRequest>,
    ) -> Result<Response<GetDirectoryResponse>, Status> {
        RequestCaller::entitled(&request, Verb::ImportDirectory)?;
        Ok(Response::new(self.show().await?))
    }
}
