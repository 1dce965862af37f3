//! The scenario corpus through a real server: decisions by Simulate, the rest on a store
//! with the declarations of the scenario, at its time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use lupa::cli::scenario::{Request, Scenario, ScenarioOutcome};
use lupa::clock;
use lupa::policy::calendar::Calendar;
use lupa::policy::day::Instant;
use lupa::policy::declaration::Declaration;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use lupa::wire::violation::to_timestamp;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::core::scenarios::corpus;
use crate::fixtures::importing::import_new;
use crate::fixtures::running::Running;

/// The time of the servers of this test, in microseconds.
static NOW: AtomicI64 = AtomicI64::new(0);

fn scenario_clock() -> Instant {
    Instant::from_timestamp_micros(NOW.load(Ordering::SeqCst)).unwrap()
}

/// The declarations stored by the time of the scenario, in the order of recording.
fn stored(scenario: &Scenario) -> impl Iterator<Item = Declaration> {
    let recorded =
        scenario.declarations.1.iter().filter(|declaration| declaration.recorded_at <= scenario.at);
    recorded.map(|declaration| {
        let mut stored = declaration.clone();
        stored.withdrawal = stored.withdrawal.filter(|withdrawal| withdrawal.recorded_at <= scenario.at);
        stored
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_agrees_over_grpc() {
    let mut servers: HashMap<String, (Calendar, Vec<Scenario>)> = HashMap::new();
    for scenario in corpus().into_iter().flat_map(|(_, scenarios)| scenarios) {
        if matches!(scenario.request, Request::Decide(_)) {
            let of_calendar = servers.entry(format!("{:?}", scenario.calendar));
            of_calendar.or_insert_with(|| ((*scenario.calendar).clone(), Vec::new())).1.push(scenario);
        }
    }
    for (calendar, scenarios) in servers.into_values() {
        let running = Running::start(&calendar, clock::now).await;
        let mut client = DecisionServiceClient::new(running.channel.clone());
        for scenario in scenarios {
            let outcome = simulate(&mut client, &scenario).await;
            assert_eq!(outcome, scenario.ask_core(), "{}", scenario.name);
            assert_eq!(scenario.expectation.differences(&outcome), [], "{}", scenario.name);
        }
        running.end().await;
    }
}

async fn simulate(client: &mut DecisionServiceClient<Channel>, scenario: &Scenario) -> ScenarioOutcome {
    let Request::Decide(decide) = &scenario.request else {
        panic!("only decisions are simulated");
    };
    let request = v1::SimulateRequest {
        decide: Some(decide.clone()),
        at: Some(to_timestamp(scenario.at)),
        directory: Some(scenario.directory.0.clone()),
        declarations: scenario.declarations.0.clone(),
        ignore_stored: true,
    };
    match client.simulate(request).await {
        Ok(response) => ScenarioOutcome::Decided(response.into_inner().decision.unwrap().verdicts),
        Err(status) => refused(&status),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recording_viewing_and_printing_agrees_over_grpc() {
    for scenario in corpus().into_iter().flat_map(|(_, scenarios)| scenarios) {
        if matches!(scenario.request, Request::Decide(_) | Request::Unreadable) {
            continue;
        }
        NOW.store(scenario.at.timestamp_micros(), Ordering::SeqCst);
        let running = Running::start_with(&scenario.calendar, scenario_clock, async |store| {
            store.replace_directory(scenario.directory.1.clone()).await.unwrap();
            if let Some(client) = scenario.client() {
                let history = stored(&scenario).map(|declaration| (client.clone(), declaration)).collect();
                import_new(store, history).await;
            }
        })
        .await;
        let outcome = send(&running.channel, &scenario).await;
        assert_eq!(outcome, scenario.ask_core(), "{}", scenario.name);
        assert_eq!(scenario.expectation.differences(&outcome), [], "{}", scenario.name);
        running.end().await;
    }
}

async fn send(channel: &Channel, scenario: &Scenario) -> ScenarioOutcome {
    let mut client = DeclarationServiceClient::new(channel.clone());
    let recorded = |notices: Vec<i32>| ScenarioOutcome::Accepted {
        notices: notices.into_iter().map(|notice| v1::Notice::try_from(notice).unwrap()).collect(),
        declarations: Vec::new(),
    };
    let shown = |declarations: Vec<String>| ScenarioOutcome::Accepted { notices: Vec::new(), declarations };
    let answer = match &scenario.request {
        Request::Record(request) => client
            .record_declaration(request.clone())
            .await
            .map(|response| recorded(response.into_inner().notices)),
        Request::Withdraw(request) => client
            .withdraw_declaration(request.clone())
            .await
            .map(|response| recorded(response.into_inner().notices)),
        Request::List(request) => client.list_declarations(request.clone()).await.map(|response| {
            shown(response.into_inner().declarations.into_iter().map(|stored| stored.id).collect())
        }),
        Request::Print(request) => client.print_declarations(request.clone()).await.map(|response| {
            let printed = response.into_inner().declarations;
            shown(printed.into_iter().map(|printed| printed.declaration.unwrap().id).collect())
        }),
        Request::Decide(_) | Request::Unreadable => panic!("no request to the declaration service"),
    };
    answer.unwrap_or_else(|status| refused(&status))
}

fn refused(status: &Status) -> ScenarioOutcome {
    match status.code() {
        Code::InvalidArgument => ScenarioOutcome::invalid(),
        Code::NotFound => ScenarioOutcome::Refused("NOT_FOUND".to_owned()),
        _ => ScenarioOutcome::Refused(status.get_details_error_info().unwrap().reason),
    }
}

#[tokio::test]
async fn the_directory_is_replaced_over_grpc() {
    let (_, scenarios) = corpus().into_iter().next().unwrap();
    let given = &scenarios.first().unwrap().directory.0;
    let running = Running::start(&Calendar::published(), clock::now).await;
    let mut client = DirectoryServiceClient::new(running.channel.clone());
    client
        .replace_directory(v1::ReplaceDirectoryRequest {
            directory: Some(given.clone()),
            ..Default::default()
        })
        .await
        .unwrap();
    let shown = client.get_directory(v1::GetDirectoryRequest {}).await.unwrap().into_inner();
    assert_eq!(shown.directory.as_ref(), Some(given));
    running.end().await;
}
