//! A person's new code on every replica: a link is in force at once on the replica that records it, and on
//! every other one from the time that its answer names.

use std::path::Path;

use lupa::clock;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use lupa::wire::v1::{self, Effect};
use tonic::transport::Channel;

use super::fixture::Shared;
use crate::fixtures::linking::{aino_new, linking, unlinking};
use crate::fixtures::patience::until;
use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, demo_directory, entry, instant, question, recording,
};

impl Shared {
    /// The number of replicas that record.
    fn replicas(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres { .. } => 2,
        }
    }

    fn start(&self) -> Process {
        let mut command = match self {
            Self::Sqlite(home) => serve(&home.store()),
            Self::Postgres { store_url, .. } => {
                let mut command = serve(Path::new("unused"));
                command.env("LUPA_STORE__URL", store_url);
                command
            }
        };
        // By default the tests are more patient, and the link would be in force everywhere only after that.
        command.env("LUPA_INDEX__MAX_STALENESS_MS", "5000");
        Process::start(command).expect("it listens")
    }
}

/// The decision on the denied visit, under a code; none while the replica cannot decide.
async fn decided(replica: &Channel, client: v1::ClientId, at_least: &str) -> Option<Effect> {
    let request = v1::DecideRequest {
        at_least: at_least.to_owned(),
        ..question(client, vec![entry("doc-1", "visit-1")])
    };
    let decided = DecisionServiceClient::new(replica.clone()).decide(request).await;
    match decided {
        Ok(decided) => Some(decided.get_ref().verdicts[0].effect()),
        Err(status) if status.code() == tonic::Code::Unavailable => None,
        Err(status) => panic!("{status:?}"),
    }
}

async fn denial_holds_under_the_new_code_on_every_replica(home: Shared) {
    let processes: Vec<Process> = (0..home.replicas()).map(|_| home.start()).collect();
    let mut replicas = Vec::new();
    for process in &processes {
        replicas.push(process.connect().await);
    }
    let (first, last) = (&replicas[0], &replicas[replicas.len() - 1]);
    let directory = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    DirectoryServiceClient::new(first.clone()).replace_directory(directory).await.expect("replaced");
    let mut service = DeclarationServiceClient::new(first.clone());
    for (client, key, declaration) in [
        (aino(), "1", INFORMATION),
        (aino(), "2", CONSENT),
        (aino_new(), "3", INFORMATION),
        (aino_new(), "4", CONSENT),
        (aino(), "5", DENIAL),
    ] {
        service.record_declaration(recording(client, key, declaration)).await.expect("recorded");
    }
    assert_eq!(decided(first, aino(), "").await, Some(Effect::Deny));
    assert_eq!(decided(first, aino_new(), "").await, Some(Effect::Permit));

    let linked =
        service.link_clients(linking(&[aino(), aino_new()], "link")).await.expect("linked").into_inner();
    for client in [aino(), aino_new()] {
        assert_eq!(decided(first, client.clone(), "").await, Some(Effect::Deny));
        // With the token at once everywhere.
        assert_eq!(decided(last, client, &linked.token).await, Some(Effect::Deny));
    }
    let everywhere = instant(linked.effective_everywhere_after.as_ref().expect("an instant"));
    until("the link is in force everywhere", async || clock::now() > everywhere).await;
    for replica in &replicas {
        for client in [aino(), aino_new()] {
            assert_ne!(decided(replica, client, "").await, Some(Effect::Permit));
        }
    }

    // Another replica ends it, and knows the link after a restart.
    drop(replicas);
    let mut processes = processes;
    processes.pop().expect("a process").kill();
    let restarted = home.start();
    let last = restarted.connect().await;
    assert_eq!(decided(&last, aino_new(), &linked.token).await, Some(Effect::Deny));
    let mut service = DeclarationServiceClient::new(last.clone());
    let end = unlinking(aino_new(), &linked.link_id, "end");
    let unlinked = service.unlink_clients(end).await.expect("unlinked").into_inner();
    processes.push(restarted);
    for process in &processes {
        let replica = process.connect().await;
        assert_eq!(decided(&replica, aino(), &unlinked.token).await, Some(Effect::Deny));
        assert_eq!(decided(&replica, aino_new(), &unlinked.token).await, Some(Effect::Permit));
    }
}

super::fixture::on_both_stores!(denial_holds_under_the_new_code_on_every_replica);
