//! The limits of lists and strings in requests. The checks of this module's
//! siblings take their numbers from here, and `docs/api.md` has the table.

pub use crate::policy::declaration::LABEL_CHARACTERS_MAX;
pub use crate::policy::link::{CODES_MAX, LINKS_MAX, RECORDED_LINKS_MAX};
pub use crate::policy::oid::{OID_CHARACTERS_MAX, OPAQUE_ID_CHARACTERS_MAX};
pub use crate::policy::verdict::DECIDING_MAX;

/// Maximum number of claims of a request.
pub const CLAIMS_MAX: usize = 16;

/// Maximum number of service tasks of a record.
pub const SERVICE_TASKS_MAX: usize = 100;

/// Maximum number of values of one dimension of an allocation, and of targets of a denial.
pub const VALUES_MAX: usize = 100;

/// Maximum length of a caller's own id of a request, in characters.
pub const REQUEST_ID_CHARACTERS_MAX: usize = 128;

/// Maximum length of a consistency token, in characters; those that are written
/// are shorter.
pub const TOKEN_CHARACTERS_MAX: usize = 128;

/// Maximum length of the provision of a claim, in characters.
pub const PROVISION_CHARACTERS_MAX: usize = 1000;

/// Maximum number of service providers with which an organisation operates.
pub const CONNECTIONS_MAX: usize = 1000;

/// Maximum length of free text, such as a name, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 200;

const INVALID: &str = "`INVALID_REQUEST`";
const INVALID_OR_RECORD: &str = "`INVALID_REQUEST`, or the record is invalid";

/// Every limit as a table in Markdown.
#[must_use]
pub fn markdown() -> String {
    let printable =
        format!("1 to {OPAQUE_ID_CHARACTERS_MAX} printable ASCII characters, no space at either end");
    let rows = [
        ("request message", "`server.request_bytes_max`".to_owned(), "`RESOURCE_EXHAUSTED` without a reason"),
        ("records of a request", "`server.records_per_request_max`".to_owned(), "`TOO_MANY_RECORDS`"),
        ("claims of a request", CLAIMS_MAX.to_string(), INVALID),
        ("service tasks of a record", SERVICE_TASKS_MAX.to_string(), "the record is invalid"),
        ("values of one dimension of an allocation, targets of a denial", VALUES_MAX.to_string(), INVALID),
        ("OIDs", format!("{OID_CHARACTERS_MAX} characters"), INVALID_OR_RECORD),
        (
            "ids of records, events, transactions, tasks, prescriptions and declarations",
            printable.clone(),
            INVALID_OR_RECORD,
        ),
        ("idempotency keys", printable, INVALID),
        ("codes of a link", format!("2 to {CODES_MAX}"), INVALID),
        ("linked codes of a person", CODES_MAX.to_string(), "`PERSON_TOO_LARGE`"),
        ("links in force between the codes of a person", LINKS_MAX.to_string(), "`PERSON_TOO_LARGE`"),
        ("links of a person, ended ones included", RECORDED_LINKS_MAX.to_string(), "`PERSON_TOO_LARGE`"),
        ("names and other free text", format!("{TEXT_CHARACTERS_MAX} characters"), INVALID),
        ("label of a denial", format!("{LABEL_CHARACTERS_MAX} characters, one line"), INVALID),
        ("the caller's own id of a request", format!("{REQUEST_ID_CHARACTERS_MAX} characters"), INVALID),
        ("consistency tokens", format!("{TOKEN_CHARACTERS_MAX} characters"), "`TOKEN_FORGED`"),
        ("page tokens", format!("{OPAQUE_ID_CHARACTERS_MAX} characters"), INVALID),
        ("provision of a claim", format!("{PROVISION_CHARACTERS_MAX} characters"), INVALID),
        ("dates, languages and instants", "as long as a valid one".to_owned(), INVALID_OR_RECORD),
        ("kinds in a list request", VALUES_MAX.to_string(), INVALID),
        ("providers with which an organisation operates", CONNECTIONS_MAX.to_string(), INVALID),
        (
            "organisations, registers and relations of a directory",
            "`limits.directory_entries_max`".to_owned(),
            INVALID,
        ),
        ("declarations of a simulation", "`limits.simulated_declarations_max`".to_owned(), INVALID),
        (
            "declarations of a client, withdrawn ones included",
            "`limits.declarations_per_client_max`, of denials twice as many".to_owned(),
            "`TOO_MANY_DECLARATIONS`",
        ),
        (
            "requests that wait for long work",
            "`limits.side_queue_length_max`".to_owned(),
            "`LONG_WORK_QUEUE_FULL`",
        ),
        ("fields that only answers fill, in a request", "not read".to_owned(), "they are ignored"),
        ("declarations named in a verdict", DECIDING_MAX.to_string(), "the first that decided are named"),
        ("page of a list", "`listing.page_size_max`".to_owned(), "a larger page size is reduced to it"),
        (
            "streams of `WatchDeclarations`, of one caller and in all",
            "`watch.streams_per_caller_max`, `watch.streams_max`".to_owned(),
            "`TOO_MANY_WATCHERS`",
        ),
        (
            "requests that read declarations from the store, of one caller",
            "`limits.reads_per_caller_max`".to_owned(),
            "`CALLER_SHARE_EXCEEDED`",
        ),
        (
            "requests that read declarations from the store, in all",
            "`limits.reads_max`".to_owned(),
            "`OVERLOADED`",
        ),
        (
            "different viewings of denials by one caller in a minute",
            "`limits.viewings_per_minute_per_caller_max`".to_owned(),
            "`CALLER_SHARE_EXCEEDED`",
        ),
        (
            "requests at one time on one connection",
            "`server.concurrent_streams_per_connection_max`".to_owned(),
            "they wait",
        ),
        ("headers of a request", "`server.header_list_bytes_max`".to_owned(), "HTTP/2 rejects the request"),
        (
            "duration of a request",
            "`server.request_timeout_ms`".to_owned(),
            "`DEADLINE_EXCEEDED` without a reason",
        ),
    ];
    let rows = rows.map(|(value, limit, exceeded)| format!("| {value} | {limit} | {exceeded} |\n"));
    format!("| value | limit | if it is exceeded |\n|---|---|---|\n{}", rows.concat())
}
