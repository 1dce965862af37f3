//! `lupa-bench denials`: what a record of a client with many denials costs,
//! compared with a client with a few. Each request is read from its bytes, decided
//! and answered, as `Decide` does but for the connection. The two clients take
//! turns, and the shortest time of each is compared: it is disturbed least.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clap::Args;
use lupa::cli::document::Document;
use lupa::decide::decide;
use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::wire::answer::{AnswerTail, AnswerWriter};
use lupa::wire::decide_call::DecideCall;
use lupa::wire::declaration::stored_declarations;
use lupa::wire::verdict::Disclosure;
use lupa::wire::violation::to_timestamp;
use lupa::wire::{directory, v1};
use prost::Message;

use crate::Failure;

/// Denials of the client with a few.
const FEW: usize = 3;

/// Options of `lupa-bench denials`.
#[derive(Debug, Args)]
pub(crate) struct DenialsArgs {
    /// Records of a request
    #[arg(long, default_value_t = 10_000)]
    records: usize,
    /// Service tasks of a record
    #[arg(long, default_value_t = 0)]
    tasks: usize,
    /// Denials of the client with many
    #[arg(long, default_value_t = 10_000)]
    denials: usize,
    /// Requests of each client
    #[arg(long, default_value_t = 15)]
    repeats: usize,
}

/// What a denial names, by its number.
type ScopeOf = fn(usize) -> v1::denial::Scope;

/// The scopes: a name, whether it is of social welfare, and the scope.
fn scopes() -> [(&'static str, bool, ScopeOf); 9] {
    use v1::denial::Scope;
    [
        ("all patient data", false, |_| Scope::AllPatientData(v1::AllPatientData {})),
        ("service event", false, |number| Scope::ServiceEvent(format!("1.2.246.537.10.15675350.{number}"))),
        ("prescription", false, |number| Scope::Prescription(format!("prescription-{number}"))),
        ("register", false, |number| Scope::Register(format!("1.2.246.10.{}.19.1", number % 500))),
        ("the holder's register", false, |_| Scope::Register("1.2.246.10.32213086.19.1".to_owned())),
        ("former provider", false, |number| Scope::FormerProvider(format!("1.2.246.10.{}.0", number % 500))),
        ("service transaction", true, |number| Scope::ServiceTransaction(format!("transaction-{number}"))),
        ("document", true, |number| Scope::Document(format!("document-{number}"))),
        ("service task", true, |number| Scope::ServiceTask(format!("task-{number}"))),
    ]
}

/// Runs the command.
pub(crate) fn run(args: &DenialsArgs) -> Result<(), Failure> {
    let document = Document::read(include_str!("../../../deploy/demo/directory.yaml"));
    let message = document.ok().and_then(|document| document.parse::<v1::Directory>().ok());
    let directory = message.and_then(|message| directory::directory(&message).ok());
    let directory = directory.ok_or(Failure::Internal("the demo directory cannot be read"))?;
    println!(
        "| denials of | {FEW} denials, ms | {} denials, ms | ratio |\n|---|---:|---:|---:|",
        args.denials
    );
    for (name, is_social, scope) in scopes() {
        let request = request(args, is_social).encode_to_vec();
        let clients = [FEW, args.denials].map(|denials| declarations(denials, is_social, scope));
        let mut shortest = [Duration::MAX; 2];
        for _ in 0..args.repeats {
            for (shortest, client) in shortest.iter_mut().zip(&clients) {
                *shortest = (*shortest).min(answer(&directory, &request, client)?);
            }
        }
        let [few, many] = shortest.map(|time| time.as_secs_f64() * 1000.0);
        println!("| {name} | {few:.2} | {many:.2} | {:.2} |", many / few);
    }
    Ok(())
}

/// The time in which a request is answered.
fn answer(
    directory: &Directory,
    request: &[u8],
    client: &[v1::StoredDeclaration],
) -> Result<Duration, Failure> {
    let invalid = |_| Failure::Internal("the generated request is invalid");
    let declarations = stored_declarations("declarations", client).map_err(invalid)?;
    let calendar = Calendar::published();
    let now = "2026-11-21T10:00:00Z".parse().map_err(|_| Failure::Internal("no instant"))?;
    let started = Instant::now();
    let call = DecideCall::read(request.to_vec().into()).map_err(|_| Failure::Internal("no request"))?;
    let situation = call.situation.as_ref().map_err(|_| Failure::Internal("no situation"))?;
    let question =
        World { directory, calendar: &calendar, now }.question(situation, Facts::all(&declarations));
    let mut writer = AnswerWriter::new(1 << 20, Disclosure::Detailed, |_| Some("declaration"));
    decide(&question, call.records.cursor(), |verdict| writer.verdict(verdict))
        .map_err(|_| Failure::Internal("no record"))?;
    let tail =
        AnswerTail { decision_id: "", token: "", decided_at: now, catalogue_version: "", request_id: "" };
    black_box(writer.finish(&tail).message().len());
    Ok(started.elapsed())
}

fn declarations(denials: usize, is_social: bool, scope: ScopeOf) -> Vec<v1::StoredDeclaration> {
    let sector = if is_social { v1::Sector::SocialWelfare } else { v1::Sector::Healthcare };
    let recorded_at = chrono::DateTime::from_timestamp(1_760_000_000, 0).map(to_timestamp);
    let of = |number| {
        let denial =
            v1::Denial { sector: sector.into(), scope: Some(scope(number)), ..v1::Denial::default() };
        let content = Some(v1::declaration::Content::Denial(denial));
        v1::StoredDeclaration {
            declaration: Some(v1::Declaration { content }),
            recorded_at,
            ..v1::StoredDeclaration::default()
        }
    };
    (0..denials).map(of).collect()
}

fn request(args: &DenialsArgs, is_social: bool) -> v1::DecideRequest {
    let (asking, holding, kind) = if is_social {
        ("1.2.246.10.99999999.6.3", "1.2.246.10.99999999.5.3", v1::RecordKind::ClientDocument)
    } else {
        ("1.2.246.10.99999999.5.1", "1.2.246.10.32213086.19.1", v1::RecordKind::ServiceEventEntry)
    };
    let record = |number: usize| v1::Record {
        id: format!("1.2.246.537.6.15675350.1.{number}"),
        register: holding.to_owned(),
        service_event: format!("1.2.246.537.10.15675350.1.{}", number / 3),
        recorded_on: "2025-03-18".to_owned(),
        kind: kind.into(),
        service_tasks: (0..args.tasks).map(|task| format!("task-of-{task}")).collect(),
        ..v1::Record::default()
    };
    v1::DecideRequest {
        client: Some(v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() }),
        requester: Some(v1::Requester { register: asking.to_owned(), ..v1::Requester::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records: (0..args.records).map(record).collect(),
        ..v1::DecideRequest::default()
    }
}
