//! The files with lines at fault, and files that look odd and are accepted.

use lupa::wire::v1;
use serde_json::{Value, json};

use super::Refused;
use crate::operations::history_files::everything::numbered;

/// Parts of the lines that must not be printed.
pub(super) const SECRETS: [&str; 5] = ["010181-900", "010181", "Salainen", "salainen", "card-77"];

/// Files, and what becomes of their lines.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) files: Vec<Vec<u8>>,
    pub(super) refused: Vec<Refused>,
    /// Number of lines that are accepted.
    pub(super) accepted: u64,
    pub(super) options: Vec<&'static str>,
}

/// A line with all personal data that a line can have.
fn good(id: &str) -> Value {
    json!({
        "client": { "extension": "010181-900C" },
        "declaration": {
            "id": id,
            "declaration": {
                "denial": {
                    "sector": "SECTOR_HEALTHCARE",
                    "serviceEvent": "salainen-1",
                    "label": "Salainen käynti",
                },
            },
            "givenAt": "2024-05-06T09:00:00Z",
            "recordedAt": "2024-05-06T09:00:00Z",
            "declarer": { "role": "ROLE_CLIENT", "name": "Salainen Nimi", "id": "card-77" },
            "recordedBy": {
                "professional": {
                    "register": "1.2.246.10.99999999.1.1",
                    "organisation": "1.2.246.10.99999999.1.0",
                    "professional": "Salainen Hoitaja",
                },
            },
        },
    })
}

/// The same with another value in a place, such as `/declaration/id`.
fn with(id: &str, pointer: &str, value: Value) -> Value {
    let mut line = good(id);
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap()[field] = value;
    line
}

/// The same without a field.
fn without(id: &str, pointer: &str) -> Value {
    let mut line = good(id);
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    line
}

fn link(id: &str, codes: usize, current: usize) -> Value {
    let code =
        |number| json!({ "root": "1.2.246.10.99999999.22.1", "extension": format!("salainen-{number}") });
    json!({
        "link": {
            "id": id,
            "clients": (0..codes).map(code).collect::<Vec<_>>(),
            "current": code(current),
            "reason": "LINK_REASON_DUPLICATE_MERGED",
            "recordedAt": "2024-05-06T09:00:00Z",
            "recordedBy": { "populationRegister": {} },
        },
    })
}

fn withdrawal(client: Value, of: &str) -> Value {
    json!({
        "client": client,
        "withdrawal": { "declarationId": of, "kind": "KIND_DENIAL", "recordedAt": "2020-01-01T00:00:00Z" },
    })
}

fn client() -> Value {
    json!({ "extension": "010181-900C" })
}

fn another() -> Value {
    json!({ "root": "1.2.246.10.99999999.22.1", "extension": "salainen-1" })
}

/// The code of someone who is born at the end of the century.
fn unborn() -> Value {
    let v1::ClientId { extension, .. } = numbered("311299A", 901);
    json!({ "extension": extension })
}

fn lines(lines: &[Value]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

fn case(name: &'static str, files: Vec<Vec<u8>>, refused: &[Refused], accepted: u64) -> Case {
    Case { name, files, refused: refused.to_vec(), accepted, options: Vec::new() }
}

/// A file whose second line of three is refused.
fn second(name: &'static str, line: Value, reason: &'static str) -> Case {
    case(name, vec![lines(&[good("1"), line, good("3")])], &[(0, 2, reason)], 2)
}

/// A file with this line between two others, all accepted.
fn accepted(name: &'static str, line: Value) -> Case {
    case(name, vec![lines(&[good("1"), line, good("3")])], &[], 3)
}

pub(super) fn table() -> Vec<Case> {
    [places(), encodings(), syntax(), fields(), links(), oddities()].into_iter().flatten().collect()
}

/// Where the line at fault is.
fn places() -> Vec<Case> {
    let bad = || with("bad", "/declaration/recordedAt", json!("2999-01-01T00:00:00Z"));
    let future = "declaration.recorded_at: in the future";
    let cut = [lines(&[good("1"), good("2")]), lines(&[good("3")])[..200].to_vec()].concat();
    let long = |bytes| {
        let padding = format!("{}{}\n", " ".repeat(bytes), good("2"));
        [lines(&[good("1")]), padding.into_bytes(), lines(&[good("3")])].concat()
    };
    vec![
        case("at the start", vec![lines(&[bad(), good("2"), good("3")])], &[(0, 1, future)], 2),
        second("in the middle", bad(), future),
        case("at the end", vec![lines(&[good("1"), good("2"), bad()])], &[(0, 3, future)], 2),
        case("every line", vec![lines(&[bad(), bad()])], &[(0, 1, future), (0, 2, future)], 0),
        case("a last line that is cut", vec![cut], &[(0, 3, "cut short")], 2),
        case("a line of 10 MB", vec![long(10_000_000)], &[(0, 2, "longer than --line-bytes-max")], 2),
        Case {
            options: vec!["--line-bytes-max", "20000000"],
            ..case("a line of 10 MB that may be", vec![long(10_000_000)], &[], 3)
        },
        case("the second file", vec![lines(&[good("1")]), lines(&[good("2"), bad()])], &[(1, 2, future)], 2),
        case(
            "an id twice in a file",
            vec![lines(&[good("1"), good("2"), good("1")])],
            &[(0, 3, "its id is that of an earlier line")],
            2,
        ),
        // Refused when it is read, and when its id is compared: in the order of the lines.
        case(
            "lines for several reasons",
            vec![lines(&[bad(), good("2"), good("2"), bad(), good("2")])],
            &[(0, 1, future), (0, 3, "earlier line"), (0, 4, future), (0, 5, "earlier line")],
            1,
        ),
        case(
            "an id in two files",
            vec![lines(&[good("1"), good("2")]), lines(&[good("2"), good("3")])],
            &[(1, 1, "its id is that of an earlier line")],
            3,
        ),
        // It would have no effect, and a consent would stay in force.
        case(
            "a withdrawal before the line that it ends",
            vec![lines(&[withdrawal(client(), "2"), good("1"), good("2")])],
            &[(0, 3, "an earlier line is its withdrawal")],
            2,
        ),
        case(
            "a link twice",
            vec![lines(&[link("1", 2, 0), link("1", 3, 1)])],
            &[(0, 2, "its id is that of an earlier line")],
            1,
        ),
    ]
}

fn encodings() -> Vec<Case> {
    let latin = |line: &Value| line.to_string().chars().map(|c| c as u8).collect::<Vec<u8>>();
    let utf16 = |lines: &[Value]| {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let nul = "a NUL byte";
    vec![
        case(
            "Latin-1",
            vec![[lines(&[good("1")]), latin(&good("2")), b"\n".to_vec()].concat()],
            &[(0, 2, "not UTF-8 from byte")],
            1,
        ),
        // The last newline is two bytes, so that the second one is a line.
        case("UTF-16", vec![utf16(&[good("1"), good("2")])], &[(0, 1, nul), (0, 2, nul), (0, 3, nul)], 0),
        case("a carriage return", vec![format!("{}\r\n{}\r\n", good("1"), good("2")).into_bytes()], &[], 2),
        case("a byte order mark", vec![[b"\xef\xbb\xbf".to_vec(), lines(&[good("1")])].concat()], &[], 1),
        case("no last newline", vec![format!("{}\n{}", good("1"), good("2")).into_bytes()], &[], 2),
        case("an empty file", vec![Vec::new()], &[], 0),
        case("empty lines", vec![format!("\n{}\n  \n\r\n{}\n\n", good("1"), good("2")).into_bytes()], &[], 2),
        case("two files", vec![lines(&[good("1")]), lines(&[good("2")])], &[], 2),
    ]
}

fn syntax() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("no JSON", "Salainen Nimi;010181-900C", "not JSON at column 1"),
        ("two objects", "{}{}", "not JSON at column 3"),
        ("a string", "\"Salainen\"", "not a HistoryLine"),
        ("a list", "[\"Salainen\"]", "not a HistoryLine"),
        ("a line that is cut within the file", "{\"client\":{\"extension\":\"010181-900C\"", "not JSON"),
        ("a field twice", "{\"client\":{},\"client\":{\"extension\":\"010181-900C\"}}", "given twice"),
        ("an object without fields", "{}", "entry: required"),
    ]
    .into_iter()
    .map(|(name, text, reason)| {
        let file = format!("{}\n{text}\n{}\n", good("1"), good("3"));
        case(name, vec![file.into_bytes()], &[(0, 2, reason)], 2)
    })
    .collect();
    let unknown = "a field is unknown";
    cases.extend([
        second("an unknown field", with("2", "/declaration/Salainen", json!("010181-900C")), unknown),
        second("another type", with("2", "/declaration/declarer", json!("Salainen Nimi")), unknown),
        second("an unknown word", with("2", "/declaration/declarer/role", json!("Salainen")), unknown),
        second("no time", with("2", "/declaration/recordedAt", json!("010181-900C")), unknown),
    ]);
    cases
}

fn fields() -> Vec<Case> {
    let long = "Salainen ".repeat(40);
    let future = json!("2999-01-01T00:00:00Z");
    vec![
        second("no client", without("2", "/client"), "client: required"),
        second("no id", without("2", "/declaration/id"), "declaration.id: required"),
        second("no time of recording", without("2", "/declaration/recordedAt"), "recorded_at: required"),
        second("no content", without("2", "/declaration/declaration/denial"), "declaration.declaration"),
        second("a wrong code", with("2", "/client/extension", json!("010181-900D")), "client.extension"),
        second("no OID", with("2", "/client/root", json!("Salainen")), "client.root"),
        second("a long name", with("2", "/declaration/declarer/name", json!(long)), "declarer.name"),
        second("a long label", with("2", "/declaration/declaration/denial/label", json!(long)), "label"),
        second("a client not born yet", with("2", "/client", unborn()), "client.extension"),
        second(
            "withdrawn in the future",
            with("2", "/declaration/withdrawnAt", future.clone()),
            "declaration.withdrawn_at: in the future",
        ),
        second("no id of what is withdrawn", withdrawal(client(), ""), "withdrawal.declaration_id"),
        second("two faults", with("", "/client/extension", json!("salainen")), "declaration.id: required"),
    ]
}

fn links() -> Vec<Case> {
    let mut of_a_client = link("2", 2, 1);
    of_a_client["client"] = json!({ "extension": "010181-900C" });
    let mut of_unborn = link("2", 2, 1);
    of_unborn["link"]["clients"][0] = unborn();
    let mut ended = link("2", 2, 1);
    ended["link"]["end"] =
        json!({ "recordedAt": "2999-01-01T00:00:00Z", "recordedBy": { "populationRegister": {} } });
    let mut doubled = link("2", 2, 1);
    doubled["link"]["clients"][0] = doubled["link"]["clients"][1].clone();
    vec![
        second("a link with one code", link("2", 1, 0), "link.clients: name 2 to 16 codes"),
        second("a link with 17 codes", link("2", 17, 0), "link.clients: name 2 to 16 codes"),
        second("a current code of another", link("2", 3, 3), "link.current: not one of the codes"),
        second("a code twice", doubled, "link.clients: a code is named twice"),
        second("a link of a client", of_a_client, "client: a link names its codes itself"),
        second("a link of a client not born yet", of_unborn, "link.clients[0]"),
        second("a link that ends in the future", ended, "link.end.recorded_at: in the future"),
        accepted("a link with 16 codes", link("2", 16, 15)),
    ]
}

/// What is odd, and counts as it stands.
fn oddities() -> Vec<Case> {
    let time = |text: &str| json!(text);
    let withdrawn_before = {
        let mut line = with("2", "/declaration/withdrawnAt", time("2019-01-01T00:00:00Z"));
        line["declaration"]["withdrawalGivenAt"] = time("2018-01-01T00:00:00Z");
        line
    };
    let register = |id, oid: &str| {
        let denial = json!({ "denial": { "sector": "SECTOR_HEALTHCARE", "register": oid } });
        with(id, "/declaration/declaration", denial)
    };
    vec![
        accepted("times out of order", with("2", "/declaration/recordedAt", time("1999-01-01T00:00:00Z"))),
        accepted(
            "given after it was recorded",
            with("2", "/declaration/givenAt", time("2999-01-01T00:00:00Z")),
        ),
        accepted("withdrawn before it was given", withdrawn_before),
        accepted("a withdrawal under another code before the line that it ends", withdrawal(another(), "3")),
        accepted("a withdrawal of nothing", withdrawal(client(), "nothing")),
        accepted("an unknown register", register("2", "1.2.246.10.99999999.999.7")),
        accepted("a link with the id of a declaration", link("1", 2, 1)),
        accepted("no declarer and no recorder", {
            let mut line = without("2", "/declaration/declarer");
            line["declaration"].as_object_mut().unwrap().remove("recordedBy");
            line
        }),
    ]
}
