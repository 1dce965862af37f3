//! Declarations given, replaced, withdrawn and repeated in many orders: admission and
//! decisions agree with the reference evaluator on the stored state.

use lupa::wire::v1;
use lupa::wire::v1::{Effect, StoredDeclaration};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use super::fixture::{Fixture, clock};
use crate::core::reference::{self, Answer, Calendar};
use crate::fixtures::requests::{
    CONSENT, DENIAL, HOLDING, INFORMATION, aino, demo_directory, entry, instant, listing, message, person,
    question, recording, withdrawal,
};

/// The declarations, most of them about the records below.
const DECLARATIONS: [&str; 14] = [
    INFORMATION,
    "information: { version: '1.0' }",
    CONSENT,
    CONSENT,
    DENIAL,
    DENIAL,
    "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-2, against: [ AGAINST_OWN_OTHER_REGISTERS ] }",
    "denial: { sector: SECTOR_HEALTHCARE, register: 1.2.246.10.32213086.19.1, allows_emergency: true }",
    "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }",
    "denial: { sector: SECTOR_HEALTHCARE, prescription: prescription-1 }",
    "consent: { kind: CONSENT_KIND_WELLBEING_DATA }",
    "consent: { kind: CONSENT_KIND_LOCAL_CROSS_SECTOR, controller: 1.2.246.10.99999999.5.0 }",
    "consent: { kind: CONSENT_KIND_CLIENT_DATA_TO_HEALTHCARE, allocation: { recipients: [ { all_public: {} } ] } }",
    "denial: { sector: SECTOR_BOTH, extensive: {} }",
];

const CLIENTS: usize = 24;
const STEPS: usize = 20;

/// Deterministic numbers: a linear congruential generator (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// One record for each rule that the declarations affect.
fn records() -> Vec<v1::Record> {
    vec![
        entry("doc-1", "visit-1"),
        entry("doc-2", "visit-2"),
        v1::Record { register: "1.2.246.10.99999999.5.2".to_owned(), ..entry("doc-3", "visit-2") },
        message(&format!(
            "{{ id: prescription-1, register: {HOLDING}, recorded_on: 2025-03-18, kind: RECORD_KIND_PRESCRIPTION }}"
        )),
        message(
            "{ id: steps, register: 1.2.246.10.99999999.900.4, recorded_on: 2025-03-18, kind: \
             RECORD_KIND_WELLBEING_DATA }",
        ),
        message(
            "{ id: plan, register: 1.2.246.10.99999999.5.3, service_event: transaction-1, recorded_on: 2025-03-18, \
             kind: RECORD_KIND_CLIENT_DOCUMENT }",
        ),
    ]
}

/// In the types of the reference.
fn answer(verdict: &v1::Verdict, expected: &Answer) -> (String, Answer) {
    let mut obligations: Vec<_> = verdict.obligations().collect();
    obligations.sort();
    let Answer { rule, .. } = expected;
    let (effect, reason, detail) = (verdict.effect(), verdict.reason(), verdict.detail());
    (verdict.rule.clone(), Answer { effect, reason, detail, rule, obligations })
}

async fn stored(fixture: &Fixture, client: &v1::ClientId) -> Vec<StoredDeclaration> {
    let request = v1::ListDeclarationsRequest { page_size: 1000, ..listing(client.clone()) };
    fixture.declarations().list_declarations(request).await.expect("a list").into_inner().declarations
}

/// The notices, or the code of the refusal, as the reference returns them.
fn admitted<T>(
    answer: Result<Response<T>, Status>,
    notices: impl Fn(T) -> Vec<v1::Notice>,
) -> Result<Vec<v1::Notice>, String> {
    answer.map(|answer| notices(answer.into_inner())).map_err(|status| match status.code() {
        Code::NotFound => "NOT_FOUND".to_owned(),
        _ => status.get_error_details().error_info().expect("an ErrorInfo").reason.clone(),
    })
}

struct Client<'a> {
    fixture: &'a Fixture,
    directory: &'a v1::Directory,
    id: v1::ClientId,
    /// Requests that were acknowledged, with their answers.
    recorded: Vec<(v1::RecordDeclarationRequest, v1::RecordDeclarationResponse)>,
    withdrawn: Vec<(v1::WithdrawDeclarationRequest, v1::WithdrawDeclarationResponse)>,
}

impl Client<'_> {
    async fn record(&mut self, key: &str, declaration: &str) {
        let request = recording(self.id.clone(), key, declaration);
        let before = stored(self.fixture, &self.id).await;
        let expected = reference::admit(self.directory, &Calendar::defaults(), &before, &request, clock());
        let answer = self.fixture.declarations().record_declaration(request.clone()).await;
        if let Ok(answer) = &answer {
            self.recorded.push((request.clone(), answer.get_ref().clone()));
        }
        let found = admitted(answer, |answer| answer.notices().collect());
        assert_eq!(found, expected.map_err(str::to_owned), "{request:?} after {before:#?}");
    }

    async fn withdraw(&mut self, key: &str, place: usize) {
        let Some((_, recorded)) = self.recorded.get(place) else { return };
        let request = withdrawal(self.id.clone(), key, &recorded.declaration_id);
        let before = stored(self.fixture, &self.id).await;
        let expected =
            reference::admit_withdrawal(self.directory, &Calendar::defaults(), &before, &request, clock());
        let answer = self.fixture.declarations().withdraw_declaration(request.clone()).await;
        if let Ok(answer) = &answer {
            self.withdrawn.push((request.clone(), answer.get_ref().clone()));
        }
        let found = admitted(answer, |answer| answer.notices().collect());
        assert_eq!(found, expected.map_err(str::to_owned), "{request:?} after {before:#?}");
    }

    /// Repeats an acknowledged request, which gets the same answer.
    async fn repeat(&self, place: usize) {
        if let Some((request, answer)) = self.recorded.get(place) {
            assert_eq!(self.fixture.record(request.clone()).await, *answer);
        }
        if let Some((request, answer)) = self.withdrawn.get(place) {
            assert_eq!(self.fixture.withdraw(request.clone()).await, *answer);
        }
    }

    /// Each acknowledged declaration is stored once, in order, with its withdrawal, and
    /// the records are decided by that. Returns the number of permitted records.
    async fn check(&self) -> usize {
        let declarations = stored(self.fixture, &self.id).await;
        let found: Vec<_> =
            declarations.iter().map(|one| (&one.id, &one.declaration, one.withdrawn_at)).collect();
        let end = |id: &String| {
            let ended = self.withdrawn.iter().find(|(request, _)| request.declaration_id == *id);
            ended.and_then(|(_, answer)| answer.recorded_at)
        };
        let expected: Vec<_> = self
            .recorded
            .iter()
            .map(|(request, answer)| {
                (&answer.declaration_id, &request.declaration, end(&answer.declaration_id))
            })
            .collect();
        assert_eq!(found, expected);

        let request = question(self.id.clone(), records());
        let decided = self.fixture.decide(request.clone()).await;
        let at = instant(decided.decided_at.as_ref().expect("an instant"));
        for (record, verdict) in request.records.iter().zip(&decided.verdicts) {
            let expected =
                reference::decide(self.directory, &Calendar::defaults(), &declarations, &request, record, at);
            let found = answer(verdict, &expected);
            assert_eq!(found, (expected.rule.to_owned(), expected), "{record:?} by {declarations:#?}");
        }
        decided.verdicts.iter().filter(|verdict| verdict.effect() == Effect::Permit).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_agrees_with_the_reference() {
    let mut fixture = Fixture::start().await;
    let directory = demo_directory();
    let mut permitted = 0;
    for seed in 0..CLIENTS {
        // Half way through, after a restart.
        if seed == CLIENTS / 2 {
            fixture = fixture.restart_with(&[]).await;
        }
        let mut numbers = Numbers(seed as u64);
        let id = if seed == 0 { aino() } else { person(seed) };
        let (recorded, withdrawn) = (Vec::new(), Vec::new());
        let mut client = Client { fixture: &fixture, directory: &directory, id, recorded, withdrawn };
        for step in 0..STEPS {
            let key = format!("{seed} {step}");
            let place = numbers.below(client.recorded.len() + 1);
            // Half of the clients start with information and a consent.
            match (step, numbers.below(8)) {
                (0, _) if seed % 2 == 1 => client.record(&key, INFORMATION).await,
                (1, _) if seed % 2 == 1 => client.record(&key, CONSENT).await,
                (_, 0..=4) => client.record(&key, DECLARATIONS[numbers.below(DECLARATIONS.len())]).await,
                (_, 5 | 6) => client.withdraw(&key, place).await,
                (_, _) => client.repeat(place).await,
            }
            permitted += client.check().await;
        }
    }
    // Neither all nor none: the declarations affect the records.
    let decided = CLIENTS * STEPS * records().len();
    assert!(decided / 10 < permitted && permitted < decided * 9 / 10, "{permitted} of {decided} permitted");
}
