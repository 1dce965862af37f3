//! From the acknowledgement of a declaration until decisions count it: in the
//! same process, and in another one that follows the same store.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use lupa::population::{CODES_MAX, Population};
use lupa::wire::v1;
use prost::Message;

use crate::arguments::Arguments;
use crate::caller::{Asked, Caller, framed};
use crate::child::Server;
use crate::load::histogram;
use crate::repeats::told;
use crate::report::Section;
use crate::server::{block_on, with_demo_directory};
use crate::{data, questions, targets};

const DECLARATIONS: u64 = 2_000;
const DECLARATIONS_QUICK: u64 = 50;

/// A follower that takes longer has failed.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let count = count(arguments);
    let lupa = with_demo_directory();
    let people = data::population(CODES_MAX);
    let here = block_on(watch(lupa.server.address, lupa.server.address, &people, 0, count));
    let follower = Server::try_lupa(&lupa.store, &[("LUPA_STORE__READ_ONLY", "true")]);
    let mut section = Section::default();
    section.text(format!(
        "{count} times: a client without any declaration is recorded as informed; from the acknowledgement on, over \
         another connection, the client's prescription is asked about until the decision counts it. Milliseconds from \
         the acknowledgement to that answer; *at once* are those where the first answer counted it."
    ));
    let mut rows = vec![here.row("the same process")];
    let mut followed = None;
    match &follower {
        Ok(follower) => {
            let there = block_on(watch(lupa.server.address, follower.address, &people, count, count));
            rows.push(there.row("a follower of the same store"));
            followed = Some(there.millis(99.0));
        }
        Err(_) => section.text("This build has no server that only follows a store (`store.read_only`)."),
    }
    section.table(["", "at once", "p50 ms", "p99 ms", "most ms"], &rows);
    section.check(targets::UNSEEN.beside(Some((here.latencies.len() - here.at_once) as f64)));
    section.check(targets::FOLLOWER_P99.beside(followed));
    section
}

/// How many declarations are watched.
pub(super) fn count(arguments: &Arguments) -> u64 {
    if arguments.is_quick { DECLARATIONS_QUICK } else { DECLARATIONS }
}

/// What came of it.
pub(super) struct Watched {
    latencies: Histogram<u64>,
    /// How many the first answer counted.
    at_once: u64,
}

impl Watched {
    fn millis(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1e6
    }

    pub(super) fn row(&self, name: &str) -> [String; 5] {
        let at_once = format!("{} of {}", told(self.at_once as f64, 0), told(self.latencies.len() as f64, 0));
        let millis = |percentile| told(self.millis(percentile), 3);
        [name.to_owned(), at_once, millis(50.0), millis(99.0), millis(100.0)]
    }
}

/// Records with one server and asks another.
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
        assert!(!is_permitted(&mut reader, &question).await, "nothing is declared yet");
        let declaration = framed(&questions::informed(&client, &format!("in-force-{number}")));
        writer.ask(Asked::RECORD, declaration).await.expect("recorded");
        let acknowledged = Instant::now();
        let mut asked = 1;
        while !is_permitted(&mut reader, &question).await {
            assert!(acknowledged.elapsed() < IN_FORCE_WITHIN, "it does not come into force");
            asked += 1;
        }
        let nanos = u64::try_from(acknowledged.elapsed().as_nanos()).unwrap_or(u64::MAX);
        watched.latencies.saturating_record(nanos);
        watched.at_once += u64::from(asked == 1);
    }
    watched
}

async fn is_permitted(reader: &mut Caller, question: &Bytes) -> bool {
    let answer = reader.ask(Asked::DECIDE, question.clone()).await.expect("an answer");
    let answer = v1::DecideResponse::decode(answer).expect("an answer");
    answer.verdicts.first().expect("a verdict").effect() == v1::Effect::Permit
}
