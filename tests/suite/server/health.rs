//! Health by service, and server reflection.

use lupa::wire::v1;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::fixture::Fixture;

const SERVICES: [&str; 3] =
    ["lupa.v1.DecisionService", "lupa.v1.DeclarationService", "lupa.v1.DirectoryService"];

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_serves_until_the_server_ends() {
    let fixture = Fixture::start().await;
    let mut watched = Vec::new();
    for service in SERVICES.into_iter().chain([""]) {
        let checked = fixture.health().check(of(service)).await.expect("a status").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving, "{service}");
        let mut statuses = fixture.health().watch(of(service)).await.expect("a stream").into_inner();
        let first = statuses.message().await.expect("a status").expect("a status");
        assert_eq!(first.status(), ServingStatus::Serving, "{service}");
        watched.push(statuses);
    }
    let unknown = fixture.health().check(of("lupa.v1.Nothing")).await.expect_err("it is refused");
    assert_eq!(unknown.code(), Code::NotFound);

    let ending = tokio::spawn(fixture.restart_with(&[("server.shutdown_grace_ms", "1")]));
    for mut statuses in watched {
        let status = statuses.message().await.expect("a status").expect("a status");
        assert_eq!(status.status(), ServingStatus::NotServing);
        drop(statuses);
    }
    ending.await.expect("it serves again");
}

/// Sends one request to server reflection.
async fn reflected(fixture: &Fixture, question: MessageRequest) -> Result<ServerReflectionResponse, Code> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(fixture.channel());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let mut answers = answers.map_err(|status| status.code())?.into_inner();
    Ok(answers.next().await.expect("an answer").expect("an answer"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_lists_the_services_and_describes_them() {
    let fixture = Fixture::start().await;
    let answer = reflected(&fixture, MessageRequest::ListServices(String::new())).await.expect("an answer");
    let Some(MessageResponse::ListServicesResponse(listed)) = answer.message_response else {
        panic!("no list: {answer:?}");
    };
    let names: Vec<_> = listed.service.iter().map(|service| service.name.as_str()).collect();
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(names.contains(&service), "{service} in {names:?}");
    }
    for symbol in SERVICES.into_iter().chain(["lupa.v1.Verdict", "lupa.v1.DecisionService.Decide"]) {
        let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
        let answer = reflected(&fixture, question).await.expect("an answer");
        let is_file = matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_)));
        assert!(is_file, "{symbol}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_can_be_off() {
    let fixture = Fixture::start_with(&[("server.reflection", "off")]).await;
    let answer = reflected(&fixture, MessageRequest::ListServices(String::new())).await;
    assert_eq!(answer.expect_err("it is refused"), Code::Unimplemented);
    fixture.decisions().list_rules(v1::ListRulesRequest {}).await.expect("rules");
}
