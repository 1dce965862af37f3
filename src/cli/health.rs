//! `lupa health`: whether a server decides, for health checks of containers.

use clap::Args;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;

const AFTER_HELP: &str = "\
It calls grpc.health.v1.Health/Check, which every caller may call, whatever [access] is configured.

Exit code 0: SERVING; 4: it does not decide now, or cannot be reached. The reasons are on /readyz and in
the log of the server.";

/// Arguments of `lupa health`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct HealthArgs {
    /// The service, such as lupa.v1.DecisionService [default: the whole server]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
}

pub(super) async fn run(args: HealthArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let HealthArgs { service } = args;
    let mut health = connection::health(global).await?;
    let response =
        health.check(HealthCheckRequest { service }).await.map_err(ServerRefusal::of)?.into_inner();
    let status = response.status();
    Terminal::detect().show(&format!("{}\n", status.as_str_name()))?;
    Ok(if status == ServingStatus::Serving { Exit::Success } else { Exit::Unavailable })
}
