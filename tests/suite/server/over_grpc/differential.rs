//! The generated cases through a real server, by Simulate.

use lupa::clock;
use lupa::wire::v1::SimulateRequest;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;

use crate::core::differential::Differences;
use crate::core::evaluate::{cases, to_core};
use crate::core::generator::{case, timestamp};
use crate::core::reference::Calendar;
use crate::fixtures::running::Running;

/// Number of cases, all with the published calendar: a server has one.
const CASES: u64 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulations_agree_with_the_reference() {
    let calendar = Calendar::defaults();
    let running = Running::start(&to_core(&calendar), clock::now).await;
    let mut client = DecisionServiceClient::new(running.channel.clone());
    let mut differences = Differences::default();
    let published = (0..).map(|seed| (seed, case(seed))).filter(|(_, case)| case.calendar == calendar);
    for (seed, case) in published.take(cases(CASES) as usize) {
        let request = SimulateRequest {
            decide: Some(case.request.clone()),
            at: Some(timestamp(case.at)),
            directory: Some(case.directory.clone()),
            declarations: case.declarations.clone(),
            ignore_stored: true,
        };
        let answer = client.simulate(request).await.expect("a simulation").into_inner();
        differences.add(seed, &case, &answer.decision.expect("a decision").verdicts);
    }
    differences.assert_none();
    running.end().await;
}
