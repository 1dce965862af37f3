//! Replicas on one PostgreSQL: the time from an acknowledgement until another
//! replica counts the declaration, and the rate of recording.

use lupa_bench::measure::noise::{add_child, remove_child};
use lupa_bench::measure::repeats::interleaved;
use lupa_bench::measure::report::Section;
use lupa_bench::population::{CODES_MAX, Population};

use super::recording::CALLERS;
use super::{in_force, is_postgres_ready, recording};
use crate::arguments::Arguments;
use crate::data;
use crate::postgres::Cluster;
use crate::server::{Served, block_on, with_demo_directory, with_demo_directory_and};

const REPLICAS: usize = 4;

/// A number of callers, distributed evenly among replicas.
struct Contender<'s> {
    name: &'static str,
    replicas: &'s [Served],
    callers: usize,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let mut section = Section::default();
    if !is_postgres_ready(&mut section) {
        return section;
    }
    let cluster = Cluster::start(&[]);
    let pid = cluster.pid().parse().expect("a number");
    add_child(pid);
    let url = cluster.database();
    let replicas = [(); REPLICAS].map(|()| with_demo_directory_and(&[("LUPA_STORE__URL", &url)]));
    let people = data::population(CODES_MAX);
    follow(arguments, &mut section, &replicas, &people);
    record(arguments, &mut section, &replicas, &people);
    remove_child(pid);
    section
}

fn follow(arguments: &Arguments, section: &mut Section, replicas: &[Served; REPLICAS], people: &Population) {
    let [writer, reader, ..] = replicas;
    let (writer, reader) = (writer.server.address, reader.server.address);
    let count = in_force::count(arguments);
    let here = block_on(in_force::watch(writer, writer, people, 0, count));
    let there = block_on(in_force::watch(writer, reader, people, count, count));
    section.text(format!(
        "{REPLICAS} replicas follow one PostgreSQL, all on this machine. {count} times, as above: milliseconds from the \
         acknowledgement of one of them until a decision counts the declaration."
    ));
    section.table(
        ["", "at once", "p50 ms", "p99 ms", "most ms"],
        &[here.row("the replica that acknowledged"), there.row("another replica")],
    );
}

fn record(arguments: &Arguments, section: &mut Section, replicas: &[Served; REPLICAS], people: &Population) {
    let [one, ..] = replicas;
    let one = std::slice::from_ref(one);
    let sqlite = [with_demo_directory()];
    let mut contenders = [
        Contender { name: "SQLite, 1 caller", replicas: &sqlite, callers: 1 },
        Contender { name: "PostgreSQL, 1 caller", replicas: one, callers: 1 },
        Contender { name: "SQLite, 64 callers", replicas: &sqlite, callers: CALLERS },
        Contender { name: "PostgreSQL, 64 callers of one replica", replicas: one, callers: CALLERS },
        Contender { name: "PostgreSQL, 64 callers of 4 replicas", replicas, callers: CALLERS },
    ];
    let mut turn = 0;
    let measured = interleaved(arguments.repeats, &mut contenders, |contender| {
        turn += 1;
        recording::record((contender.replicas, contender.callers), people, turn, arguments.repeat)
    });
    section.text(
        "Callers record over gRPC, each for another client, and wait until the declaration is durable. PostgreSQL has \
         `synchronous_commit = on` and no standby; the requests that wait during a commit are committed as a group.",
    );
    let names = contenders.map(|contender| contender.name);
    recording::table(section, names, &measured);
}
