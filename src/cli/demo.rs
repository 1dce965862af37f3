//! `lupa demo`: starts a server on a temporary store, with a fictional directory
//! of Finland, and shows the decisions for some clients over gRPC.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Cell;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{self, JoinHandle};
use tonic::transport::Channel;
use uuid::Uuid;

use super::document::Document;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::label;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use super::{Global, connection, serve, words};
use crate::clock;
use crate::config::{Config, LoadedConfig, ValueSource};
use crate::policy::calendar::Calendar;
use crate::server::{Listeners, Server, ServerError};
use crate::telemetry::Running;
use crate::wire::v1;
use crate::wire::v1::decision_service_client::DecisionServiceClient;
use crate::wire::v1::declaration_service_client::DeclarationServiceClient;

const DIRECTORY: &str = include_str!("../../deploy/demo/directory.yaml");
const STORY: &str = include_str!("../../deploy/demo/story.yaml");

/// Width of the text of a story.
const STORY_COLUMNS: usize = 80;

/// Arguments of `lupa demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
The store is in a temporary folder that is removed when the demo ends. All people in the stories are
fictional, with identity codes of the 900-series.

Exit code 1, with --exit: a decision differs from the expected one.")]
pub struct DemoArgs {
    /// Show all data fetches of each client, not only the first
    #[arg(long)]
    all: bool,
    /// Exit after the stories instead of keeping the server running
    #[arg(long)]
    exit: bool,
}

/// The content of the story file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stories {
    clients: Vec<Story>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    name: String,
    story: String,
    #[serde(default)]
    declarations: Vec<v1::RecordDeclarationRequest>,
    fetches: Vec<Fetch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fetch {
    title: String,
    decide: v1::DecideRequest,
    /// The expected reason for each record.
    expect: Vec<v1::Reason>,
}

pub(super) async fn run(args: &DemoArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    let directory: v1::Directory = embedded("deploy/demo/directory.yaml", DIRECTORY)?;
    let stories: Stories = embedded("deploy/demo/story.yaml", STORY)?;
    let LoadedConfig { mut config, calendar, values } = global.load_config()?;
    // Without a configured level only warnings are logged between the stories.
    if values.iter().any(|value| value.name == "log.level" && value.source == ValueSource::Default) {
        config.log.level = "warn".to_owned();
    }
    let folder = TemporaryFolder::new()?;
    config.store.path = folder.0.join("lupa.sqlite");
    let demo = Demo::start(config, calendar, terminal).await?;

    // Nobody waits for this deadline: the demo runs until it is stopped.
    let called = global.of_server(demo.url.clone());
    let mut directories = connection::directory(&called).await?;
    let names = register_names(&directory);
    let summary = format!(
        "Loaded the demo directory: {} organisations, {} registers.\n",
        directory.organisations.len(),
        directory.registers.len()
    );
    let request = v1::ReplaceDirectoryRequest { directory: Some(directory), ..Default::default() };
    directories.replace_directory(request).await.map_err(ServerRefusal::of)?;
    terminal.show(&summary)?;

    let mut reporter = Reporter {
        terminal,
        names,
        decisions: connection::decisions(&called).await?,
        declarations: connection::declarations(&called).await?,
        mismatches: 0,
    };
    for story in stories.clients {
        reporter.show(story, args.all).await?;
    }
    let mismatches = reporter.mismatches;
    if args.exit {
        demo.stop().await?;
        return Ok(if mismatches == 0 { Exit::Success } else { Exit::Negative });
    }
    let interrupted = serve::interrupted();
    terminal.show(&next_steps(&demo.url))?;
    interrupted.await;
    demo.stop().await?;
    Ok(Exit::Success)
}

/// The server of the demo, running.
struct Demo {
    url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServerError>>,
    telemetry: Running,
    config: Config,
}

impl Demo {
    async fn start(
        mut config: Config,
        calendar: Calendar,
        terminal: Terminal,
    ) -> Result<Self, CommandFailure> {
        let telemetry = serve::start_telemetry(&config)?;
        let listener = listen(&config, terminal).await?;
        let address = listener
            .local_addr()
            .map_err(|_| CommandFailure::Internal("the address of the listener is unknown"))?;
        config.server.listen_address = address;
        let server = Server::open(&config, calendar, clock::now, telemetry.telemetry.clone()).await;
        let server = server.map_err(|error| serve::failed(&error))?;
        let mut readiness = server.index().readiness();
        let (stop, stopped) = oneshot::channel();
        let server = task::spawn(server.run(Listeners { grpc: listener, socket: None, http: None }, async {
            stopped.await.unwrap_or(())
        }));
        if readiness.wait_for(|is_ready| *is_ready).await.is_err() {
            return Err(CommandFailure::Internal("the index did not load"));
        }
        let url = format!("http://{address}");
        terminal.show(&format!("Lupa serves gRPC on {url}, with a temporary store.\n"))?;
        Ok(Self { url, stop, server, telemetry, config })
    }

    async fn stop(self) -> Result<(), CommandFailure> {
        let Self { url: _, stop, server, telemetry, config } = self;
        drop(stop);
        let stopped = server.await;
        serve::stop_telemetry(telemetry, &config).await;
        match stopped {
            Ok(stopped) => stopped.map_err(|error| serve::failed(&error)),
            Err(_) => Err(CommandFailure::Internal("the server panicked")),
        }
    }
}

/// Listens on the configured address, or on another port if that one is in use.
async fn listen(config: &Config, terminal: Terminal) -> Result<TcpListener, CommandFailure> {
    let configured = config.server.listen_address;
    match TcpListener::bind(configured).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            terminal.show(&format!("Cannot listen on {configured} ({error}): using another port.\n"))?;
            let any_port = (configured.ip(), 0);
            let cannot =
                |error| CommandFailure::Server(format!("cannot listen on {} ({error})", configured.ip()));
            TcpListener::bind(any_port).await.map_err(cannot)
        }
    }
}

/// Prints the stories, and compares the decisions with the expected ones.
struct Reporter {
    terminal: Terminal,
    /// Names of registers, by OID.
    names: HashMap<String, String>,
    decisions: DecisionServiceClient<Channel>,
    declarations: DeclarationServiceClient<Channel>,
    /// Number of decisions that differ from the expected ones.
    mismatches: usize,
}

impl Reporter {
    async fn show(&mut self, story: Story, all: bool) -> Result<(), CommandFailure> {
        let Story { name, story, declarations, fetches } = story;
        let story = textwrap::fill(story.trim(), STORY_COLUMNS);
        self.terminal.show(&format!("\n── {name} ──\n{story}\n"))?;
        for mut declaration in declarations {
            declaration.idempotency_key = Uuid::new_v4().to_string();
            self.declarations.record_declaration(declaration).await.map_err(ServerRefusal::of)?;
        }
        for fetch in fetches.into_iter().take(if all { usize::MAX } else { 1 }) {
            self.fetch(fetch).await?;
        }
        Ok(())
    }

    async fn fetch(&mut self, fetch: Fetch) -> Result<(), CommandFailure> {
        let Fetch { title, decide, expect } = fetch;
        let records = decide.records.clone();
        let decision = self.decisions.decide(decide).await.map_err(ServerRefusal::of)?.into_inner();
        let mut table = self.terminal.table(["record", "register", "verdict", "reason", "rule", "why"]);
        for (record, verdict) in records.iter().zip(&decision.verdicts) {
            table.add_row([
                Cell::new(&record.id),
                Cell::new(self.names.get(&record.register).unwrap_or(&record.register)),
                self.terminal.effect(verdict.effect),
                Cell::new(label::<v1::Reason>(verdict.reason)),
                Cell::new(&verdict.details().rule),
                Cell::new(words::why(verdict)),
            ]);
        }
        self.terminal.show(&format!("\n{title}\n"))?;
        self.terminal.show_table(table, "")?;
        let reasons: Vec<v1::Reason> = decision.verdicts.iter().map(v1::Verdict::reason).collect();
        if reasons != expect {
            self.mismatches += 1;
            self.terminal
                .show("(This is not the expected decision: the configured calendar may differ.)\n")?;
        }
        Ok(())
    }
}

/// A folder that is removed when the demo ends.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<Self, CommandFailure> {
        let path = std::env::temp_dir().join(format!("lupa-demo-{}", Uuid::now_v7()));
        std::fs::create_dir(&path)
            .map_err(|error| CommandFailure::Written(path.display().to_string(), error))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "cannot remove the temporary folder");
        }
    }
}

fn embedded<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, CommandFailure> {
    let read = Document::read(text).and_then(|document| document.parse());
    read.map_err(|faults| CommandFailure::Document(name.to_owned(), faults))
}

fn register_names(directory: &v1::Directory) -> HashMap<String, String> {
    directory.registers.iter().map(|register| (register.oid.clone(), register.name.clone())).collect()
}

/// Three commands to try, ready to be pasted.
fn next_steps(url: &str) -> String {
    let lupa = std::env::current_exe().map_or_else(|_| "lupa".to_owned(), |path| path.display().to_string());
    let server = if url == "http://127.0.0.1:7411" { String::new() } else { format!(" --server {url}") };
    format!(
        "\nThe server runs until you press Ctrl-C. In another terminal, try:\n\n\
         {lupa} explain{server} --client 010181-900C --requester 1.2.246.10.99999999.5.1 --channel kanta \
         --ground care --access-right --record id=aino-doc-3,register=1.2.246.10.32213086.19.1,\
         event=aino-visit-2,kind=service-event-entry,recorded-on=2025-06-02\n\n\
         {lupa} list{server} --client 010181-900C --viewing-purpose client-changes-denials \
         --viewed-by my-kanta\n\n\
         {lupa} print{server} --client 010181-900C --sector healthcare --document denials --language en --role client \
         --printed-by my-kanta\n"
    )
}
