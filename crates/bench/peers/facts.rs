//! The client, the records and the denials of all decisions. The register ids are
//! of Lupa's demo directory.

/// The requester's own register.
pub(crate) const REQUESTER: &str = "1.2.246.10.99999999.5.1";

/// The register that the client has denied.
pub(crate) const DENIED_REGISTER: &str = "1.2.246.10.32213086.19.2";

/// The registers of the records, in turn.
const HOLDERS: [&str; 3] = [REQUESTER, "1.2.246.10.32213086.19.1", DENIED_REGISTER];

/// A record in a question.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) register: &'static str,
    pub(crate) event: String,
}

/// A number of records, five of each service event. A question about one record is
/// about the second of them, which the consent permits.
pub(crate) fn records(count: usize) -> Vec<Record> {
    let record = |(place, register): (usize, &&'static str)| Record {
        id: format!("1.2.246.10.32213086.11.2025.{place:016}"),
        register,
        event: event(place / 5),
    };
    let all = HOLDERS.iter().cycle().enumerate().map(record);
    all.skip(usize::from(count == 1)).take(count).collect()
}

/// The service event that the client has denied.
pub(crate) fn denied_event() -> String {
    event(7)
}

/// The expected decision. Denials do not apply in the requester's own register, in
/// Lupa and in the policies of the others.
pub(crate) fn is_permitted(record: &Record) -> bool {
    record.register == REQUESTER || (record.register != DENIED_REGISTER && record.event != denied_event())
}

fn event(number: usize) -> String {
    format!("1.2.246.10.32213086.14.2025.{number:016}")
}
