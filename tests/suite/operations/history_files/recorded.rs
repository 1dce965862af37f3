//! Changes that a server would record: their ids are assigned by the store, and each
//! withdrawal and each end of a link is a change of its own.

use lupa::policy::admit::{Admitted, Submission, WithdrawalSubmission};
use lupa::policy::client_id::ClientId;
use lupa::policy::declaration::{Content, Declarer, RecordedBy, Role};
use lupa::policy::link::{LinkReason, LinkRecorder, LinkSubmission, LinkedCodes, UnlinkSubmission};
use lupa::policy::oid::OpaqueId;
use lupa::store::{Append, Appended, Entry, Store};
use lupa::wire::{declaration, v1};

use super::everything::to_core;
use super::line::other;
use crate::fixtures::requests::{aino, recording};

/// Records declarations, withdrawals and links: of a client whose history was imported,
/// and of two codes that are linked.
pub(super) async fn record(store: &Store) {
    let (aino, one, two) = (to_core(&aino()), to_core(&other("recorded-1")), to_core(&other("recorded-2")));
    for client in [&aino, &one, &two] {
        append(store, declare(client, "information: { version: '2.0' }")).await;
        append(store, declare(client, "consent: { kind: CONSENT_KIND_HEALTHCARE }")).await;
        let denial =
            append(store, declare(client, "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-3 }"))
                .await;
        append(store, withdraw(client, denial.id, Role::Client)).await;
    }
    let linked = LinkedCodes { codes: [one.clone(), two.clone()].into(), current: two.clone() };
    let link = append(store, link(linked.clone())).await;
    let denial = append(store, declare(&one, "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }"));
    let denial = denial.await;
    // Across codes; then under its own, by someone else.
    append(store, withdraw(&two, denial.id.clone(), Role::Client)).await;
    append(store, withdraw(&one, denial.id, Role::Guardian)).await;
    let recorded_by = LinkRecorder::PopulationRegister;
    let end = UnlinkSubmission { client: one, link: link.id, given_at: None, recorded_by };
    append(store, Entry::Unlink(end)).await;
    append(store, self::link(linked)).await;
}

/// Records the withdrawal of a declaration that is stored.
pub(super) async fn withdraw_stored(store: &Store, client: &ClientId, id: &str) {
    append(store, withdraw(client, OpaqueId::parse(id.to_owned()).unwrap(), Role::Client)).await;
}

/// Records a declaration by the client, and returns its id.
pub(super) async fn declare_stored(store: &Store, client: &ClientId, content: &str) -> String {
    append(store, declare(client, content)).await.id.as_str().to_owned()
}

async fn append(store: &Store, entry: Entry) -> Appended {
    let key = format!("key-{}", store.count().unwrap());
    let append = Append {
        idempotency_key: OpaqueId::parse(key).unwrap(),
        payload_digest: [7; 32],
        entry,
        admit: Box::new(|_, _, _| Ok(Admitted::default())),
    };
    store.append(append).await.unwrap()
}

fn declare(client: &ClientId, content: &str) -> Entry {
    Entry::Declaration(Submission {
        client: client.clone(),
        content: content_of(content),
        given_at: None,
        declarer: declarer(Role::Client),
        recorded_by: RecordedBy::MyKanta,
        label: None,
    })
}

fn content_of(yaml: &str) -> Content {
    let request: v1::RecordDeclarationRequest = recording(aino(), "key", yaml);
    let (submission, _) = declaration::submission(&request).unwrap();
    submission.content
}

fn withdraw(client: &ClientId, declaration: OpaqueId<'static>, role: Role) -> Entry {
    Entry::Withdrawal(WithdrawalSubmission {
        client: client.clone(),
        declaration,
        given_at: None,
        declarer: declarer(role),
        recorded_by: RecordedBy::MyKanta,
    })
}

fn link(linked: LinkedCodes) -> Entry {
    Entry::Link(LinkSubmission {
        linked,
        reason: LinkReason::DuplicateMerged,
        given_at: None,
        recorded_by: LinkRecorder::PopulationRegister,
    })
}

fn declarer(role: Role) -> Declarer {
    Declarer { role, name: "Aino Esimerkki".into(), id: "".into() }
}
