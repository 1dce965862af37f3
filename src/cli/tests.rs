use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::*;

fn refused(line: &str) -> ErrorKind {
    match Cli::try_parse_from(line.split(' ')) {
        Ok(_) => panic!("accepted: {line}"),
        Err(error) => error.kind(),
    }
}

fn accepted(line: &str) -> Command {
    Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_request_is_given_by_arguments_or_by_a_file() {
    let record = "--record id=d,register=1.2,kind=prescription";
    accepted(&format!("lupa decide --client 010181-900C --requester 1.2 --channel kanta {record} {record}"));
    accepted("lupa decide --file request.yaml --exit-code --json --server http://127.0.0.1:1");
    accepted("lupa simulate --file -");
    for (line, kind) in [
        ("lupa decide", ErrorKind::MissingRequiredArgument),
        ("lupa decide --client 010181-900C --file f", ErrorKind::ArgumentConflict),
        ("lupa simulate --at 2027-03-01T00:00:00Z --file f", ErrorKind::ArgumentConflict),
        ("lupa simulate --at tomorrow --file f", ErrorKind::ValueValidation),
        ("lupa decide --file f --channel fax", ErrorKind::InvalidValue),
    ] {
        assert_eq!(refused(line), kind, "{line}");
    }
}

#[test]
fn a_declaration_is_given_by_arguments_or_by_a_file() {
    let client = "--client 010181-900C --role client --recorded-by my-kanta";
    accepted(&format!("lupa declare consent --kind healthcare {client}"));
    accepted(&format!("lupa declare denial --sector healthcare --service-event v {client}"));
    accepted("lupa declare --file f --idempotency-key k");
    accepted("lupa withdraw --file f --idempotency-key k");
    accepted(&format!("lupa withdraw --declaration d {client}"));
    accepted(
        "lupa declare information --version 2.0 --client 010181-900C --role client \
         --professional-register 1.2 --professional-organisation 1.3",
    );
    for (line, kind) in [
        ("lupa declare", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        (
            "lupa declare consent --kind healthcare --client c --role client",
            ErrorKind::MissingRequiredArgument,
        ),
        (
            "lupa withdraw --declaration d --client c --recorded-by my-kanta",
            ErrorKind::MissingRequiredArgument,
        ),
        ("lupa withdraw --declaration d --file f", ErrorKind::ArgumentConflict),
    ] {
        assert_eq!(refused(line), kind, "{line}");
    }
    let denial = format!("lupa declare denial --sector healthcare {client}");
    assert_eq!(refused(&denial), ErrorKind::MissingRequiredArgument, "a scope");
    assert_eq!(
        refused(&format!("{denial} --extensive --document d")),
        ErrorKind::ArgumentConflict,
        "one scope"
    );
    assert_eq!(
        refused(&format!("lupa declare consent --kind healthcare {client} --professional-register 1.2")),
        ErrorKind::ArgumentConflict,
        "one recorder"
    );
}

#[test]
fn a_printout_and_a_listing_name_their_sector_and_viewer() {
    let client = "--client 010181-900C";
    for sector in ["healthcare", "social-welfare", "both"] {
        accepted(&format!(
            "lupa print {client} --sector {sector} --document denials --role client --printed-by my-kanta"
        ));
    }
    accepted(&format!("lupa list {client} --kind consent"));
    accepted(&format!(
        "lupa get {client} --declaration d --viewing-purpose investigation --viewed-by my-kanta"
    ));
    accepted(&format!("lupa status {client}"));
    accepted(&format!("lupa status {client} --asked-by 1.2"));
    let one_viewer = "--viewed-by my-kanta --professional-register 1.2 --professional-organisation 1.3";
    assert_eq!(refused(&format!("lupa list {client} {one_viewer}")), ErrorKind::ArgumentConflict);
    assert_eq!(refused(&format!("lupa get {client}")), ErrorKind::MissingRequiredArgument);
}

#[test]
fn a_caller_is_looked_up_by_its_certificate_or_token() {
    accepted("lupa callers check callers.toml");
    accepted("lupa callers who callers.toml --certificate emr.pem");
    accepted("lupa callers who callers.toml --token emr.jwt --certificate emr.pem");
    accepted("lupa callers may callers.toml emr decide 1.2.3 --controller 1.2");
    accepted("lupa dev certs");
    for (line, kind) in [
        ("lupa callers who callers.toml", ErrorKind::MissingRequiredArgument),
        ("lupa callers may callers.toml emr decid", ErrorKind::ValueValidation),
        ("lupa callers may callers.toml emr decide x", ErrorKind::ValueValidation),
        ("lupa callers may callers.toml emr decide --controller 1.2", ErrorKind::MissingRequiredArgument),
    ] {
        assert_eq!(refused(line), kind, "{line}");
    }
}

#[tokio::test]
async fn questions_about_a_callers_file_have_exit_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("certs");
    let at = |name: &str| path.join(name).display().to_string();
    let (callers, emr, key) = (at("callers.toml"), at("emr.pem"), at("emr-key.pem"));
    let server = at("server.pem");
    let broken = at("broken.toml");
    let exit = async |line: String| {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        run(cli).await.unwrap_or_else(|failure| failure.exit())
    };
    assert_eq!(exit(format!("lupa dev certs {}", path.display())).await, Exit::Success);
    std::fs::write(&broken, "callers = 1").expect("written");
    for (line, expected) in [
        (format!("lupa callers check {callers}"), Exit::Success),
        (format!("lupa callers check {callers} --json"), Exit::Success),
        (format!("lupa callers check {broken}"), Exit::Negative),
        (format!("lupa callers check {broken} --json"), Exit::Negative),
        (format!("lupa callers who {callers} --certificate {emr}"), Exit::Success),
        (format!("lupa callers who {callers} --certificate {server}"), Exit::Negative),
        (format!("lupa callers who {callers} --certificate {key}"), Exit::Usage),
        (format!("lupa callers who {callers} --token {emr} --certificate {emr}"), Exit::Negative),
        (format!("lupa callers who {broken} --certificate {emr}"), Exit::Usage),
        (format!("lupa callers may {callers} emr decide"), Exit::Success),
        (format!("lupa callers may {callers} emr explain"), Exit::Negative),
        (format!("lupa callers may {callers} his decide"), Exit::Usage),
    ] {
        assert_eq!(exit(line.clone()).await, expected, "{line}");
    }
}

#[tokio::test]
async fn denials_without_a_viewer_are_wrong_usage() {
    // No server listens on port 1.
    let client = "--client 010181-900C --server http://127.0.0.1:1";
    let print = format!("lupa print {client} --role client");
    for (line, expected) in [
        (format!("lupa list {client}"), Some("--viewed-by my-kanta")),
        (format!("lupa list {client} --kind denial --kind consent"), Some("--viewed-by my-kanta")),
        (format!("lupa list {client} --kind consent --kind information"), None),
        (format!("{print} --sector healthcare --document denials"), Some("--printed-by my-kanta")),
        (format!("{print} --sector both --document denials --printed-by my-kanta"), None),
        (format!("{print} --sector both --document consents"), Some("--sector healthcare")),
        (format!("{print} --sector healthcare --document consents"), None),
    ] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        let failure = run(cli).await.expect_err("no server");
        match expected {
            Some(argument) => {
                assert_eq!(failure.exit(), Exit::Usage, "{line}");
                assert!(failure.message().contains(argument), "{line}: {}", failure.message());
            }
            None => assert_eq!(failure.exit(), Exit::Unavailable, "{line}"),
        }
    }
}
