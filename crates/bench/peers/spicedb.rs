//! SpiceDB as a library behind tonic in a process of its own, with its datastore in
//! memory. The facts are written as relationships in advance.

#![expect(unsafe_code, reason = "SpiceDB is a shared library with a C interface")]

use std::ffi::{CStr, c_char, c_int, c_uchar, c_ulonglong};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use libloading::{Library, Symbol};
use lupa_bench::measure::caller::{Call, framed};
use prost::Message;
use tonic::{Response, Status};

use crate::facts::{DENIED_REGISTER, REQUESTER, Record, denied_event, is_permitted, records};
use crate::process::Server;
use crate::service::{Permissions, serve as serve_bytes};

const CHECK_PATH: &str = "/authzed.api.v1.PermissionsService/CheckPermission";
pub(crate) const CHECK: Call = Call::Rpc(CHECK_PATH);
pub(crate) const CHECK_BULK: Call = Call::Rpc("/authzed.api.v1.PermissionsService/CheckBulkPermissions");

/// Number of records with relationships.
pub(crate) const RECORDS: usize = 1_000;

/// Maximum number of relationships in a write.
const UPDATES_MAX: usize = 500;

const SCHEMA: &str = "
definition register {}
definition client {
  relation relationship: register
  relation informed: register:*
  relation consent: register:*
  permission opened = informed & consent
}
definition holding {
  relation own: register
  relation denied: register:*
}
definition event {
  relation denied: register:*
}
definition record {
  relation client: client
  relation holding: holding
  relation event: event
  permission shared = client->opened - holding->denied - event->denied
  permission read = client->relationship & (holding->own + shared)
}";

pub(crate) fn start(library: &Path) -> Server {
    Server::of_this_program("--serve-spicedb", library)
}

/// The process: writes the facts and serves. Never returns.
pub(crate) fn serve(library: &Path) {
    let library = Arc::new(SpiceDb::open(library));
    library
        .call(WRITE_SCHEMA, &WriteSchema { schema: SCHEMA.to_owned() }.encode_to_vec())
        .expect("the schema is accepted");
    for updates in relationships().chunks(UPDATES_MAX) {
        let write = WriteRelationships { updates: updates.to_vec() }.encode_to_vec();
        library.call(WRITE_RELATIONSHIPS, &write).expect("the relationships are accepted");
    }
    // With `minimize_latency` it reads an older revision for a moment.
    while !sees_all(&library) {
        thread::sleep(Duration::from_millis(50));
    }
    serve_bytes::<Permissions>(Arc::new(move |path, request| {
        let library = Arc::clone(&library);
        let function = if path == CHECK_PATH { CHECK_ONE } else { CHECK_MANY };
        Box::pin(async move {
            let answer = tokio::task::spawn_blocking(move || library.call(function, &request)).await;
            answer.map_err(|_| Status::internal("the library"))?.map(Response::new).map_err(Status::internal)
        })
    }));
}

/// Whether its decisions are based on all written relationships.
fn sees_all(library: &SpiceDb) -> bool {
    let records = records(RECORDS);
    let answer = library.call(CHECK_MANY, &bulk(&records).encode_to_vec()).expect("an answer");
    read(answer, RECORDS).into_iter().eq(records.iter().map(is_permitted))
}

pub(crate) fn question(records: &[Record]) -> Bytes {
    match records {
        [record] => {
            let BulkItem { resource, permission, subject } = item(record);
            framed(&Check { consistency: Some(fastest()), resource, permission, subject })
        }
        records => framed(&bulk(records)),
    }
}

fn bulk(records: &[Record]) -> CheckBulk {
    CheckBulk { consistency: Some(fastest()), items: records.iter().map(item).collect() }
}

fn item(record: &Record) -> BulkItem {
    BulkItem {
        resource: Some(object("record", &record.id)),
        permission: "read".to_owned(),
        subject: Some(subject(REQUESTER)),
    }
}

/// Whether each record is permitted.
pub(crate) fn read(answer: Bytes, count: usize) -> Vec<bool> {
    const HAS_PERMISSION: i32 = 2;
    if count == 1 {
        let answer = CheckAnswer::decode(answer).expect("an answer");
        return vec![answer.permissionship == HAS_PERMISSION];
    }
    let answer = BulkAnswer::decode(answer).expect("an answer");
    let permitted =
        |pair: &BulkPair| pair.item.as_ref().is_some_and(|item| item.permissionship == HAS_PERMISSION);
    answer.pairs.iter().map(permitted).collect()
}

fn relationships() -> Vec<Update> {
    let touch = |resource: Object, relation: &str, subject: Subject| Update {
        operation: 2,
        relationship: Some(Relationship {
            resource: Some(resource),
            relation: relation.to_owned(),
            subject: Some(subject),
        }),
    };
    let client = || object("client", "client-1");
    let everyone = || subject("*");
    let mut updates = vec![
        touch(client(), "relationship", subject(REQUESTER)),
        touch(client(), "informed", everyone()),
        touch(client(), "consent", everyone()),
        touch(object("holding", REQUESTER), "own", subject(REQUESTER)),
        touch(object("holding", DENIED_REGISTER), "denied", everyone()),
        touch(object("event", &denied_event()), "denied", everyone()),
    ];
    let of = |kind: &str, id: &str| Subject { object: Some(object(kind, id)) };
    for record in records(RECORDS) {
        let id = || object("record", &record.id);
        updates.push(touch(id(), "client", of("client", "client-1")));
        updates.push(touch(id(), "holding", of("holding", record.register)));
        updates.push(touch(id(), "event", of("event", &record.event)));
    }
    updates
}

/// SpiceDB does not allow dots in ids.
fn object(kind: &str, id: &str) -> Object {
    Object { object_type: kind.to_owned(), object_id: id.replace('.', "-") }
}

fn subject(register: &str) -> Subject {
    Subject { object: Some(object("register", register)) }
}

/// SpiceDB's default, and the fastest.
fn fastest() -> Consistency {
    Consistency { minimize_latency: true }
}

/// The library with a started instance.
struct SpiceDb {
    library: Library,
    handle: c_ulonglong,
}

type StartFn = unsafe extern "C" fn(*const c_char) -> *mut c_char;
type FreeFn = unsafe extern "C" fn(*mut c_char);
type CallFn =
    unsafe extern "C" fn(c_ulonglong, *const c_uchar, c_int, *mut *mut c_char, *mut c_int, *mut *mut c_char);

/// The functions of the library, which have the messages of the gRPC methods.
const WRITE_SCHEMA: &[u8] = b"spicedb_schema_write_schema";
const WRITE_RELATIONSHIPS: &[u8] = b"spicedb_permissions_write_relationships";
const CHECK_ONE: &[u8] = b"spicedb_permissions_check_permission";
const CHECK_MANY: &[u8] = b"spicedb_permissions_check_bulk_permissions";

impl SpiceDb {
    fn open(path: &Path) -> Self {
        // SAFETY: the functions have these types in the library, and each returned
        // pointer is freed once with the library's function.
        unsafe {
            let library = Library::new(path).expect("the library of SpiceDB");
            let handle = {
                let start: Symbol<'_, StartFn> = library.get(b"spicedb_start").expect("its start");
                let free: Symbol<'_, FreeFn> = library.get(b"spicedb_free").expect("its free");
                let answer = start(c"{}".as_ptr());
                let text = CStr::from_ptr(answer).to_string_lossy().into_owned();
                free(answer);
                let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                answer.pointer("/data/handle").and_then(serde_json::Value::as_u64).expect(&text)
            };
            Self { library, handle }
        }
    }

    fn call(&self, function: &[u8], request: &[u8]) -> Result<Bytes, String> {
        let (mut answer, mut length, mut error) = (std::ptr::null_mut(), 0, std::ptr::null_mut());
        // SAFETY: as above; the request outlives the call.
        unsafe {
            let call: Symbol<'_, CallFn> = self.library.get(function).expect("its function");
            let free: Symbol<'_, FreeFn> = self.library.get(b"spicedb_free").expect("its free");
            let free_bytes: Symbol<'_, FreeFn> = self.library.get(b"spicedb_free_bytes").expect("its free");
            call(
                self.handle,
                request.as_ptr(),
                c_int::try_from(request.len()).expect("a short request"),
                &mut answer,
                &mut length,
                &mut error,
            );
            if !error.is_null() {
                let message = CStr::from_ptr(error).to_string_lossy().into_owned();
                free(error);
                return Err(message);
            }
            if answer.is_null() {
                return Ok(Bytes::new());
            }
            let bytes = std::slice::from_raw_parts(answer.cast::<u8>(), usize::try_from(length).unwrap_or(0));
            let bytes = Bytes::copy_from_slice(bytes);
            free_bytes(answer);
            Ok(bytes)
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Object {
    #[prost(string, tag = "1")]
    object_type: String,
    #[prost(string, tag = "2")]
    object_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Subject {
    #[prost(message, optional, tag = "1")]
    object: Option<Object>,
}

#[derive(Clone, PartialEq, Message)]
struct Consistency {
    #[prost(bool, tag = "1")]
    minimize_latency: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Check {
    #[prost(message, optional, tag = "1")]
    consistency: Option<Consistency>,
    #[prost(message, optional, tag = "2")]
    resource: Option<Object>,
    #[prost(string, tag = "3")]
    permission: String,
    #[prost(message, optional, tag = "4")]
    subject: Option<Subject>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckAnswer {
    #[prost(int32, tag = "2")]
    permissionship: i32,
}

#[derive(Clone, PartialEq, Message)]
struct CheckBulk {
    #[prost(message, optional, tag = "1")]
    consistency: Option<Consistency>,
    #[prost(message, repeated, tag = "2")]
    items: Vec<BulkItem>,
}

#[derive(Clone, PartialEq, Message)]
struct BulkItem {
    #[prost(message, optional, tag = "1")]
    resource: Option<Object>,
    #[prost(string, tag = "2")]
    permission: String,
    #[prost(message, optional, tag = "3")]
    subject: Option<Subject>,
}

#[derive(Clone, PartialEq, Message)]
struct BulkAnswer {
    #[prost(message, repeated, tag = "2")]
    pairs: Vec<BulkPair>,
}

#[derive(Clone, PartialEq, Message)]
struct BulkPair {
    #[prost(message, optional, tag = "2")]
    item: Option<BulkItemAnswer>,
}

#[derive(Clone, PartialEq, Message)]
struct BulkItemAnswer {
    #[prost(int32, tag = "1")]
    permissionship: i32,
}

#[derive(Clone, PartialEq, Message)]
struct WriteSchema {
    #[prost(string, tag = "1")]
    schema: String,
}

#[derive(Clone, PartialEq, Message)]
struct WriteRelationships {
    #[prost(message, repeated, tag = "1")]
    updates: Vec<Update>,
}

#[derive(Clone, PartialEq, Message)]
struct Update {
    #[prost(int32, tag = "1")]
    operation: i32,
    #[prost(message, optional, tag = "2")]
    relationship: Option<Relationship>,
}

#[derive(Clone, PartialEq, Message)]
struct Relationship {
    #[prost(message, optional, tag = "1")]
    resource: Option<Object>,
    #[prost(string, tag = "2")]
    relation: String,
    #[prost(message, optional, tag = "3")]
    subject: Option<Subject>,
}
