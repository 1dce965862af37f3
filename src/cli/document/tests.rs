use super::*;
use crate::wire::v1;

fn read(text: &str) -> Document {
    Document::read(text).expect("well-formed")
}

fn lines<T: fmt::Debug>(result: Result<T, Vec<Fault>>) -> Vec<String> {
    result.expect_err("faults").iter().map(|fault| fault.in_file("f")).collect()
}

const DIRECTORY: &str = r#"# A directory.
organisations:
- oid: 1.2.246.10.1
  name: "Pirkanmaa"
  kind: ORGANISATION_KIND_WELLBEING_SERVICES_COUNTY
  uusimaa: false
  main_responsibility:
  - provider: 1.2.3
    notified: true
- { oid: 1.2.246.10.2, kind: ORGANISATION_KIND_PRIVATE, operates_from: 2024-01-01 }
registers: []
"#;

#[test]
fn yaml_is_read_with_its_lines() {
    let document = read(DIRECTORY);
    let directory: v1::Directory = document.parse().expect("a directory");
    assert_eq!(directory.organisations[0].name, "Pirkanmaa");
    assert_eq!(directory.organisations[1].operates_from, "2024-01-01");
    assert_eq!(document.line_of("organisations[0].kind"), Some(5));
    assert_eq!(document.line_of("organisations[0].main_responsibility[0].provider"), Some(8));
    assert_eq!(document.line_of("organisations[1].successor"), Some(10), "the nearest enclosing part");
    assert_eq!(document.line_of("outsourcing[3]"), Some(2), "the nearest enclosing part");
}

#[test]
fn json_is_read_with_its_lines() {
    let text = "{\n\t\"client\": {\"extension\": \"010181-900C\"},\n\t\"recordedBy\":{\"myKanta\":{}},\n\
                \t\"givenAt\": \"2024-05-06T10:00:00+03:00\",\n\t\"idempotencyKey\": \"a\\/b \\u00e4\\n\"\n}\n";
    let document = read(text);
    let request: v1::RecordDeclarationRequest = document.parse().expect("a request");
    assert_eq!(request.idempotency_key, "a/b ä\n");
    assert_eq!(request.given_at.expect("an instant").seconds, 1_714_978_800);
    assert_eq!(document.line_of("recorded_by"), Some(3), "by the name in proto/");
    assert_eq!(document.line_of("recordedBy.myKanta"), Some(3));
}

#[test]
fn json_and_yaml_give_the_same_message() {
    let request: v1::DecideRequest = read(
        "client: {extension: 010181-900C}\naccess_right: true\nclaims:\n\
         - client_unable_to_decide: {cause: CAUSE_DISABILITY, has_legal_representative: false}\n",
    )
    .parse()
    .expect("a request");
    let json = serde_json::to_string_pretty(&request).expect("JSON");
    assert_eq!(read(&json).parse::<v1::DecideRequest>().expect("the same"), request);
}

#[test]
fn numbers_dates_and_versions_stay_as_written() {
    let information: v1::Information = read("version: 1.0").parse().expect("a version");
    assert_eq!(information.version, "1.0");
    let list: v1::ListDeclarationsRequest = read("page_size: 100").parse().expect("a number");
    assert_eq!(list.page_size, 100);
    let name: v1::Declarer = read("name: !!str true").parse().expect("text");
    assert_eq!(name.name, "true");
}

#[test]
fn aliases_repeat_anchored_parts() {
    let document =
        read("base: &client {extension: 010181-900C}\nrequests:\n- client: *client\n- client: *client\n");
    let request: v1::DecideRequest = document.parse_at("requests[1]").expect("a request");
    assert_eq!(request.client.expect("a client").extension, "010181-900C");
}

#[test]
fn a_part_is_parsed_with_the_paths_of_the_document() {
    let document = read("name: x\nscenarios:\n- decide:\n    channel: KANTA\n");
    assert_eq!(
        lines(document.parse_at::<v1::SimulateRequest>("scenarios[0]")),
        ["f:4: scenarios[0].decide.channel: unknown value `KANTA`: write one of `CHANNEL_KANTA`, \
             `CHANNEL_UUSIMAA_LOCAL_DATABASE`, `CHANNEL_OUTSIDE_KANTA`"]
    );
    assert_eq!(
        lines(document.parse_at::<v1::SimulateRequest>("scenarios[4]")),
        ["f:2: scenarios[4]: is missing: add it"]
    );
}

#[test]
fn all_faults_are_reported_at_once() {
    let text = "organisations:\n- oid: true\n  kind: PRIVATE\n  colour: red\n- [1]\n- oid: 1.2\n  uusimaa: \"no\"\n\
                registers:\n  oid: 1\nextra: {}\n";
    let known = "`ORGANISATION_KIND_WELLBEING_SERVICES_COUNTY`";
    let faults = lines(read(text).parse::<v1::Directory>());
    assert_eq!(faults[0], "f:2: organisations[0].oid: expected text, found `true`: quote it to mean text");
    assert!(
        faults[1].starts_with(&format!(
            "f:3: organisations[0].kind: unknown value `PRIVATE`: write one of {known}"
        )),
        "{}",
        faults[1]
    );
    assert_eq!(
        faults[2],
        "f:4: organisations[0].colour: unknown field: write one of `oid`, `name`, `kind`, `uusimaa`, \
         `operates_from`, `successor`, `main_responsibility`, `carries_former_denials`, `name_sv`, `name_en`"
    );
    assert_eq!(faults[3], "f:5: organisations[1]: expected the fields of Organisation, found a list");
    assert_eq!(faults[4], "f:7: organisations[2].uusimaa: expected true or false, found `no`");
    assert_eq!(faults[5], "f:8: registers: expected a list, found fields");
    assert_eq!(
        faults[6],
        "f:10: extra: unknown field: write one of `organisations`, `registers`, `outsourcing`"
    );
    assert_eq!(faults.len(), 7);
}

#[test]
fn a_misspelt_word_is_answered_with_the_nearest_one() {
    let text = "organisations:\n- {sucessor: 1.2}\n- {kind: ORGANISATION_KIND_PRIVAT}\n";
    let faults = lines(read(text).parse::<v1::Directory>());
    assert!(faults[0].ends_with("unknown field: did you mean `successor`?"), "{faults:?}");
    assert!(faults[1].ends_with("did you mean `ORGANISATION_KIND_PRIVATE`?"), "{faults:?}");
}

#[test]
fn values_of_the_wrong_type_are_reported_in_plain_words() {
    let faults = lines(
        read(
            "given_at: yesterday\nrecorded_by: {my_kanta: {}, professional: {}}\nclient: {extension: ~}\n\
             declaration:\n  denial: {against: [AGAINST_ALL], sector: true, all_patient_data: {all: true}}\n",
        )
        .parse::<v1::RecordDeclarationRequest>(),
    );
    assert_eq!(
        faults,
        [
            "f:1: given_at: expected an instant: write it as 2024-05-06T10:00:00+03:00",
            "f:2: recorded_by.professional: only one of its kind may be written: remove this or the other one",
            "f:3: client.extension: expected text, found nothing: write \"\" or leave the field out",
            "f:5: declaration.denial.against[0]: unknown value `AGAINST_ALL`: write one of \
             `AGAINST_OTHER_PROVIDERS`, `AGAINST_OWN_OTHER_REGISTERS`, `AGAINST_UUSIMAA_PUBLIC_HEALTHCARE`",
            "f:5: declaration.denial.sector: expected one of `SECTOR_HEALTHCARE`, `SECTOR_SOCIAL_WELFARE`, \
             `SECTOR_BOTH`, found `true`",
            "f:5: declaration.denial.all_patient_data.all: unknown field: nothing belongs here",
        ]
    );
    assert_eq!(
        lines(read("page_size: many").parse::<v1::ListDeclarationsRequest>()),
        ["f:1: page_size: expected a whole number"]
    );
    assert_eq!(
        lines(read("page_size: [1]").parse::<v1::ListDeclarationsRequest>()),
        ["f:1: page_size: expected a number"]
    );
}

#[test]
fn a_field_at_fault_is_not_reported_as_missing() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Scenario {
        #[expect(dead_code, reason = "only read")]
        name: String,
    }
    let document = read("- name: []\n- other: x\n");
    assert_eq!(
        lines(document.parse::<Vec<Scenario>>()),
        [
            "f:1: [0].name: expected text, found a list",
            "f:2: [1].other: unknown field: write one of `name`",
            "f:2: [1]: `name` is missing: add it",
        ]
    );
}

#[test]
fn a_name_written_twice_is_a_fault() {
    assert_eq!(
        lines(Document::read("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")),
        ["f:4: b.c: is written twice: keep one of them", "f:5: a: is written twice: keep one of them"]
    );
    assert_eq!(
        lines(read("access_right: true\naccessRight: false\n").parse::<v1::DecideRequest>()),
        ["f:1: access_right: only one of its kind may be written: remove this or the other one"]
    );
}

#[test]
fn text_that_is_not_one_document_is_rejected() {
    assert_eq!(lines(Document::read("")), ["f:1: the file is empty: write the fields of a message"]);
    assert_eq!(
        lines(Document::read("a: 1\n---\nb: 1\n")),
        ["f:2: a second document: write one document per file"]
    );
    assert_eq!(
        lines(Document::read("a: !secret x\n")),
        ["f:1: a: the tag `!secret` is not supported: remove it"]
    );
    assert_eq!(lines(Document::read("? [a]\n: 1\n")), ["f:1: a field's name must be plain text: quote it"]);
    let unended = lines(Document::read("a: 1\nb: {c: 2\n"));
    assert!(unended[0].contains("not well-formed"), "{}", unended[0]);
    assert_eq!(unended.len(), 1);
}

#[test]
fn documents_that_are_too_large_are_rejected() {
    let deep = "[".repeat(100_000);
    assert_eq!(lines(Document::read(&deep)).len(), 1);
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, next) in ["ab", "bc", "cd", "de", "ef", "fg", "gh"].iter().map(|pair| pair.split_at(1)) {
        laughs.push_str(&format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 10].join(", ")));
    }
    assert!(lines(Document::read(&laughs))[0].contains("parts: split the file"));
    let many = (0..2 * FAULTS_MAX).map(|n| format!("x{n}: 1\n")).collect::<String>();
    let faults = lines(read(&many).parse::<v1::Directory>());
    assert_eq!(faults.len(), FAULTS_MAX + 1);
    assert_eq!(faults[FAULTS_MAX], "f: more than 50 faults: fix these first");
}
