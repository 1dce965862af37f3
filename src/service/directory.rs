//! The directory: replaced as a whole, and shown.

use tonic::{Request, Response, Status};

use crate::policy::directory::Directory;
use crate::store::Replaced;
use crate::telemetry::metrics::StoreOperation;
use crate::wire::directory::{directory, to_directory};
use crate::wire::v1::directory_service_server::DirectoryService;
use crate::wire::v1::{
    GetDirectoryRequest, GetDirectoryResponse, ReplaceDirectoryRequest, ReplaceDirectoryResponse,
};
use crate::wire::violation::{InvalidRequest, to_timestamp};

use super::Core;
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

    async fn replace(&self, message: &ReplaceDirectoryRequest) -> Result<ReplaceDirectoryResponse, Failure> {
        let ReplaceDirectoryRequest { directory: message } = message;
        let message = message.as_ref().ok_or_else(|| InvalidRequest::one("directory", "required"))?;
        let directory: Directory = directory(message).map_err(|faults| faults.within("directory"))?;
        if directory.organisations().is_empty() {
            return Err(InvalidRequest::one(
                "directory.organisations",
                "required: an empty directory is never meant",
            )
            .into());
        }
        let store = async { Ok(self.core.store.replace_directory(directory).await?) };
        let Replaced { point, max_staleness } =
            self.core.stored(StoreOperation::ReplaceDirectory, store).await?;
        let everywhere = self.core.everywhere((self.core.clock)(), max_staleness);
        self.core.wait_for_stored(point).await?;
        Ok(ReplaceDirectoryResponse {
            token: self.core.tokens.write(point),
            effective_everywhere_after: Some(to_timestamp(everywhere.at)),
        })
    }

    async fn show(&self) -> Result<GetDirectoryResponse, Failure> {
        let snapshot = self.core.snapshot("").await?;
        Ok(GetDirectoryResponse {
            directory: Some(to_directory(snapshot.directory())),
            token: self.core.tokens.write(snapshot.point()),
        })
    }
}

#[tonic::async_trait]
impl DirectoryService for Directories {
    async fn replace_directory(
        &self,
        request: Request<ReplaceDirectoryRequest>,
    ) -> Result<Response<ReplaceDirectoryResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.replace(request.get_ref()).await?))
    }

    async fn get_directory(
        &self,
        request: Request<GetDirectoryRequest>,
    ) -> Result<Response<GetDirectoryResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.show().await?))
    }
}
