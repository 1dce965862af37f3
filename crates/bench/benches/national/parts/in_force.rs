//! The time from the acknowledgement of a declaration until a decision counts it:
//! in the same process, and in another one that follows the same store.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use lupa::wire::v1;
use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::load::histogram;
use lupa_bench::measure::repeats::format_number;
use lupa_bench::measure::report::Section;
use lupa_bench::population::{CODES_MAX, Population};
use prost::Message;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::server::{block_on, with_demo_directory};
use crate::{data, questions, targets};

const DECLARATIONS: u64 = 2_000;
const DECLARATIONS_QUICK: u64 = 50;

/// Maximum time until a decision counts a declaration.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let count = count(arguments);
    let lupa = with_demo_directory();
    let people = data::population(CODES_MAX);
    let here = block_on(watch(lupa.server.address, lupa.server.address, &people, 0, count));
    let follower = Server::try_lupa(&lupa.store, &[("LUPA_STORE__READ_ONLY", "true")]);
    let mut section = Section::default();
    section.text(format!(
        "{count} times: a client without declarations is recorded as informed. From the acknowledgement on, questions \
         about a prescription of the client are sent over another connection until a decision counts the declaration. \
         The table gives the milliseconds from the acknowledgement to that answer; *at once* is the number of \
         declarations that the first answer counted."
    ));
    let mut rows = vec![here.row("the same process")];
    let mut followed = None;
    match &follower {
        Ok(follower) => {
            let there = block_on(watch(lupa.server.address, follower.address, &people, count, count));
            rows.push(there.row("a read-only replica of the same store"));
            followed = Some(there.millis(99.0));
        }
        Err(_) => section.text("Not measured: this build has no read-only replica (`store.read_only`)."),
    }
    section.table(["", "at once", "p50 ms", "p99 ms", "most ms"], &rows);
    section.check(targets::UNSEEN.beside(Some((here.latencies.len() - here.at_once) as f64)));
    section.check(targets::FOLLOWER_P99.beside(followed));
    section
}

/// Number of declarations.
pub(super) fn count(arguments: &Arguments) -> u64 {
    if arguments.is_quick { DECLARATIONS_QUICK } else { DECLARATIONS }
}

/// The result.
pub(super) struct Watched {
    latencies: Histogram<u64>,
    /// Number of declarations that the first answer counted.
    at_once: u64,
}

impl Watched {
    fn millis(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1e6
    }

    pub(super) fn row(&self, name: &str) -> [String; 5] {
        let at_once = format!(
            "{} of {}",
            format_number(self.at_once as f64, 0),
            format_number(self.latencies.len() as f64, 0)
        );
        let millis = |percentile| format_number(self.millis(percentile), 3);
        [name.to_owned(), at_once, millis(50.0), millis(99.0), millis(100.0)]
    }
}

/// Records with one server and sends questions to another.
pub(super) async fn watch(
    writer: SocketAddr,
    reader: SocketAddr,
    people: &Population,
    first: u64,
    count: u64,
) -> Watched {
    let mut writer = Caller::connect(writer).await;
    let mut reader = Caller::connect(reader).await;
    let mut watched = Watched { latencies: histogram(), at_once: 0 };
    for number in first..first + count {
        let client = people.client(number).expect("a client");
        let question = framed(&questions::prescription(&client));
        assert!(!is_permitted(&mut reader, &question).await, "the client has no declarations");
        let declaration = framed(&questions::informed(&client, &format!("in-force-{number}")));
        writer.send(Call::RECORD, declaration).await.expect("recorded");
        let acknowledged = Instant::now();
        let mut questions = 1;
        while !is_permitted(&mut reader, &question).await {
            assert!(acknowledged.elapsed() < IN_FORCE_WITHIN, "the declaration does not come into force");
            questions += 1;
        }
        let nanos = u64::try_from(acknowledged.elapsed().as_nanos()).unwrap_or(u64::MAX);
        watched.latencies.saturating_record(nanos);
        watched.at_once += u64::from(questions == 1);
    }
    watched
}

async fn is_permitted(reader: &mut Caller, question: &Bytes) -> bool {
    let answer = reader.send(Call::DECIDE, question.clone()).await.expect("an answer");
    let answer = v1::DecideResponse::decode(answer).expect("an answer");
    answer.verdicts.first().expect("a verdict").effect() == v1::Effect::Permit
}
