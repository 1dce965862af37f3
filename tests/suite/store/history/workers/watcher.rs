//! A watcher of one replica, which resumes from its last checkpoint.

use std::sync::Arc;
use std::time::Duration;

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::Shared;
use crate::store::history::log::{Watched, code, point};

/// Watches until the history ends.
pub(super) async fn watch(channel: Channel, shared: Arc<Shared>) {
    let mut stopped = shared.stopped.clone();
    let mut checkpoint = String::new();
    loop {
        let watched = tokio::select! {
            _ = stopped.wait_for(|is_over| *is_over) => return,
            watched = go_on(channel.clone(), &mut checkpoint, &shared) => watched,
        };
        let status = watched.expect_err("a stream that ends without an error");
        let at_least = (!checkpoint.is_empty()).then(|| point(&checkpoint));
        shared.note(|log| log.refuse("watch", &status, at_least));
        if status.code() == Code::FailedPrecondition {
            // A checkpoint of an ended epoch cannot be resumed.
            checkpoint.clear();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn go_on(channel: Channel, checkpoint: &mut String, shared: &Shared) -> Result<(), Status> {
    let request = v1::WatchDeclarationsRequest { after: checkpoint.clone() };
    let mut stream = DeclarationServiceClient::new(channel).watch_declarations(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        if !checkpoint.is_empty() {
            let people =
                message.changes.iter().map(|change| code(&change.client.as_ref().unwrap().extension));
            let told = Watched {
                after: point(checkpoint),
                checkpoint: point(&message.checkpoint),
                people: people.collect(),
            };
            shared.note(|log| log.watched.push(told));
        }
        *checkpoint = message.checkpoint;
    }
    Err(Status::unavailable("the stream has ended"))
}
