//! Properties of links between the codes of one person, on a real store and index.

use std::sync::Arc;

use lupa::index::Snapshot;
use lupa::policy::admit::{Admitted, Notice, admit_link};
use lupa::policy::client_id::ClientId;
use lupa::policy::directory::Directory;
use lupa::policy::link::{LinkReason, LinkRecorder, LinkSubmission, LinkedCodes, UnlinkSubmission};
use lupa::policy::oid::OpaqueId;
use lupa::policy::refusal::Refusal;
use lupa::store::{Append, AppendError, Entry};
use lupa::wire::client::client_of;
use lupa::wire::v1::{self, Effect, StoredLink};

use super::{CASES, is_denial};
use crate::core::differential::linked::{entries, verdicts};
use crate::core::evaluate::{cases, terms, to_core};
use crate::core::generator::rng::Rng;
use crate::core::generator::{Linked, linked};
use crate::core::reference::{Calendar, LinkedRegister};
use crate::fixtures::imported::Imported;

/// Of this number of cases, one is a person, who is read under every code.
const PERSON_OF: u64 = 40;

/// Number of persons in one store, for which the generator makes different codes.
const CHUNK: usize = 100;

/// At least one of this number of persons must be able to violate a property.
const ONE_OF: u64 = 20;

/// The persons of a property in groups that fit one store.
fn persons() -> Vec<Vec<(u64, Linked)>> {
    let seeds: Vec<u64> = (0..cases(CASES) / PERSON_OF).collect();
    seeds.chunks(CHUNK).map(|seeds| seeds.iter().map(|seed| (*seed, linked(*seed))).collect()).collect()
}

async fn imported<'r>(registers: impl IntoIterator<Item = &'r LinkedRegister>) -> (Imported, Arc<Snapshot>) {
    let imported = Imported::start(registers.into_iter().flat_map(entries).collect()).await;
    let snapshot = imported.snapshot().await;
    (imported, snapshot)
}

/// The verdicts under each code.
fn under_each(snapshot: &Snapshot, linked: &Linked) -> Vec<Vec<v1::Verdict>> {
    linked.codes.iter().map(|code| verdicts(snapshot, &linked.case, code)).collect()
}

#[track_caller]
fn assert_relevant(count: u64) {
    let least = cases(CASES) / PERSON_OF / ONE_OF;
    assert!(count >= least, "only {count} cases could break this, of at least {least}");
}

fn core(code: &v1::ClientId) -> ClientId {
    client_of(Some(code)).expect("a client")
}

fn id(text: &str) -> OpaqueId<'static> {
    OpaqueId::parse(text.to_owned()).expect("an id")
}

/// An append that is admitted whatever it is, with its id as its key.
fn admitted(key: &str, entry: Entry) -> Append {
    let admit = Box::new(|_: &_, _: lupa::policy::admit::PersonRecords<'_>, _| Ok(Admitted::default()));
    Append { idempotency_key: id(key), payload_digest: [0; 32], entry, admit }
}

fn submission(codes: &[v1::ClientId], current: &v1::ClientId) -> LinkSubmission {
    LinkSubmission {
        linked: LinkedCodes { codes: codes.iter().map(core).collect(), current: core(current) },
        reason: LinkReason::DuplicateMerged,
        given_at: None,
        recorded_by: LinkRecorder::PopulationRegister,
    }
}

/// Links codes, and returns the id of the link.
async fn link(at: &Imported, key: &str, codes: &[v1::ClientId], current: &v1::ClientId) -> OpaqueId<'static> {
    at.store.append(admitted(key, Entry::Link(submission(codes, current)))).await.expect("linked").id
}

async fn unlink(at: &Imported, key: &str, client: &v1::ClientId, link: OpaqueId<'static>) {
    let recorded_by = LinkRecorder::PopulationRegister;
    let entry = UnlinkSubmission { client: core(client), link, given_at: None, recorded_by };
    at.store.append(admitted(key, Entry::Unlink(entry))).await.expect("unlinked");
}

/// What a person denied under one code restricts under all of them: a link that made a permit of it would do
/// the opposite of what the person wants. The age must not change, nor may a denial be withdrawn under
/// another code.
#[tokio::test]
async fn link_permits_nothing_that_a_denial_under_a_code_denies() {
    let mut relevant = 0;
    for mut persons in persons() {
        for (_, Linked { register, codes, .. }) in &mut persons {
            register.withdrawals.clear();
            register.links.truncate(1);
            for link in &mut register.links {
                (link.clients, link.end) = (codes.clone(), None);
            }
        }
        let alone: Vec<_> = persons.iter().map(|(_, linked)| without_links(&linked.register)).collect();
        let (_alone, before) = imported(&alone).await;
        let (_linked, after) = imported(persons.iter().map(|(_, linked)| &linked.register)).await;
        for (seed, linked) in &persons {
            let before = under_each(&before, linked);
            let after = under_each(&after, linked);
            // Under every code the same.
            assert!(after.iter().all(|verdicts| *verdicts == after[0]), "seed {seed}");
            for (record, after) in after[0].iter().enumerate() {
                let denied = before.iter().map(|verdicts| &verdicts[record]).filter(|verdict| {
                    verdict.effect() == Effect::Deny && is_denial(verdict.details().detail())
                });
                for denied in denied {
                    relevant += 1;
                    assert_ne!(after.effect(), Effect::Permit, "seed {seed}: {denied:?}, then {after:?}");
                }
            }
        }
    }
    assert_relevant(relevant);
}

fn without_links(register: &LinkedRegister) -> LinkedRegister {
    LinkedRegister { links: Vec::new(), ..register.clone() }
}

/// A link that was a mistake leaves nothing behind: after its end each code has the answers of its own
/// declarations, those made meanwhile too, and withdrawals under other codes have no effect.
#[tokio::test]
async fn end_of_a_link_restores_the_answers_of_each_code() {
    let mut relevant = 0;
    for persons in persons() {
        let own: Vec<_> = persons
            .iter()
            .map(|(_, linked)| LinkedRegister {
                declarations: linked.register.declarations.clone(),
                ..LinkedRegister::default()
            })
            .collect();
        let (_alone, expected) = imported(&own).await;
        // The same in the order of a link, what was recorded meanwhile, and its end.
        let (at, _) = imported(&own[..0]).await;
        let mut links = Vec::new();
        for (number, (_, linked)) in persons.iter().enumerate() {
            let key = format!("link {number}");
            links.push(link(&at, &key, &linked.codes, &linked.codes[number % linked.codes.len()]).await);
        }
        let meanwhile = persons.iter().map(|(_, linked)| without_links(&linked.register));
        let meanwhile = meanwhile.flat_map(|register| entries(&register)).collect();
        crate::fixtures::importing::import(&at.store, meanwhile).await.expect("imported");
        let linked_together = at.snapshot().await;
        for (number, ((_, linked), link)) in persons.iter().zip(links).enumerate() {
            unlink(&at, &format!("end {number}"), &linked.codes[0], link).await;
        }
        let found = at.snapshot().await;
        for (seed, linked) in &persons {
            let expected = under_each(&expected, linked);
            assert_eq!(under_each(&found, linked), expected, "seed {seed}");
            relevant += u64::from(under_each(&linked_together, linked) != expected);
        }
    }
    assert_relevant(relevant);
}

/// In which order links are recorded, and in which order a link names the codes, decides which code is the
/// current one, and nothing else.
#[tokio::test]
async fn order_of_links_and_of_their_codes_changes_only_the_current_code() {
    let mut relevant = 0;
    for persons in persons() {
        let mut rng = Rng::new(persons[0].0);
        let (_given, given) = imported(persons.iter().map(|(_, linked)| &linked.register)).await;
        let mut permuted: Vec<LinkedRegister> =
            persons.iter().map(|(_, linked)| linked.register.clone()).collect();
        permuted.iter_mut().flat_map(|register| &mut register.links).for_each(|link| link.clients.reverse());
        let (_permuted, of_permuted) = imported(&permuted).await;
        for register in &mut permuted {
            shuffle(&mut rng, &mut register.links);
        }
        let (_shuffled, of_shuffled) = imported(&permuted).await;
        for (seed, linked) in &persons {
            assert_eq!(under_each(&given, linked), under_each(&of_permuted, linked), "seed {seed}");
            for code in &linked.codes {
                let client = core(code);
                let codes = |snapshot: &Snapshot| snapshot.person(&client).map(|person| person.codes.clone());
                assert_eq!(codes(&given), codes(&of_shuffled), "seed {seed}");
                let shown = |snapshot: &Snapshot| {
                    let declarations = snapshot.declarations(&client);
                    let shown = declarations.facts().map(|facts| {
                        let id = declarations.id(facts.place).expect("an id").as_ref().to_owned();
                        (id, facts.recorded_at, facts.withdrawal)
                    });
                    shown.collect::<Vec<_>>()
                };
                assert_eq!(shown(&given), shown(&of_shuffled), "seed {seed}");
                let current =
                    |snapshot: &Snapshot| snapshot.person(&client).map(|person| person.current.clone());
                if current(&given) == current(&of_shuffled) {
                    let of = |snapshot: &Snapshot| verdicts(snapshot, &linked.case, code);
                    assert_eq!(of(&given), of(&of_shuffled), "seed {seed}");
                } else {
                    relevant += 1;
                }
            }
        }
    }
    assert_relevant(relevant);
}

fn shuffle(rng: &mut Rng, links: &mut Vec<StoredLink>) {
    let mut left = std::mem::take(links);
    while !left.is_empty() {
        links.push(left.remove(rng.below(left.len())));
    }
}

/// A chain of sixteen codes, linked pair by pair, and the same closed to a cycle are one person; a
/// seventeenth code is refused. If a link of the chain ends, it falls apart there, and the cycle does not.
#[tokio::test]
async fn chain_of_sixteen_and_a_cycle_are_one_person() {
    let codes: Vec<v1::ClientId> = (0..17)
        .map(|number| v1::ClientId {
            extension: format!("chain-{number}"),
            root: "1.2.246.10.99999999.999.5".to_owned(),
        })
        .collect();
    let (at, _) = imported([]).await;
    let strictly = async |key: &str, pair: [usize; 2]| {
        let entry = Entry::Link(submission(&pair.map(|place| codes[place].clone()), &codes[pair[1]]));
        let admit: lupa::store::Admit = Box::new(|entry, person, now| {
            let Entry::Link(submission) = entry else { return Err(Refusal::LinkUnknown) };
            let (directory, calendar) = (Directory::default(), to_core(&Calendar::defaults()));
            admit_link(submission, person, terms(&directory, &calendar), now)
        });
        at.store.append(Append { admit, ..admitted(key, entry) }).await
    };
    let mut links = Vec::new();
    // From both ends to the middle, so that persons of several codes are joined.
    for place in [0, 14, 1, 13, 2, 12, 3, 11, 4, 10, 5, 9, 6, 8, 7] {
        let linked = strictly(&format!("{place}"), [place, place + 1]).await.expect("linked");
        assert_eq!(linked.admitted.notices.as_slice(), []);
        links.push((place, linked.id));
    }
    let size = async |place: usize| {
        at.snapshot().await.person(&core(&codes[place])).map_or(1, |person| person.codes.len())
    };
    for place in 0..16 {
        assert_eq!(size(place).await, 16);
    }
    let seventeenth = strictly("seventeenth", [8, 16]).await;
    assert!(
        matches!(seventeenth, Err(AppendError::Refused(Refusal::PersonTooLarge { .. }))),
        "{seventeenth:?}"
    );
    // It is the current one already: the latest link is 7–8.
    let closed = strictly("closed", [15, 8]).await.expect("linked");
    assert_eq!(closed.admitted.notices.as_slice(), [Notice::AlreadyLinked]);
    strictly("cycle", [15, 0]).await.expect("linked");

    let mut of = |place: usize| {
        let found = links.iter().position(|(of, _)| *of == place).expect("a link");
        links.remove(found).1
    };
    unlink(&at, "end 3", &codes[3], of(3)).await;
    assert_eq!([size(0).await, size(15).await], [16, 16]);
    unlink(&at, "end 10", &codes[11], of(10)).await;
    // 4–…–10 on one side and 11–…–15–0–…–3 on the other, which 15–8 joins.
    assert_eq!([size(4).await, size(11).await], [16, 16]);
    unlink(&at, "end closed", &codes[8], closed.id).await;
    assert_eq!([size(4).await, size(11).await, size(3).await], [7, 9, 9]);
}
