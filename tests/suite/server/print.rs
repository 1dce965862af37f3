//! Print: the declarations in force, in three languages and two formats.

use lupa::wire::v1;
use lupa::wire::v1::{Document, Format, Sector};
use tonic::Code;

use super::fixture::Fixture;
use crate::fixtures::refused::{because, invalid, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, message, my_kanta, person, professional, recording, the_client,
    withdrawal,
};

fn printing(
    client: v1::ClientId,
    document: Document,
    language: &str,
    format: Format,
) -> v1::PrintDeclarationsRequest {
    v1::PrintDeclarationsRequest {
        client: Some(client),
        sector: Sector::Healthcare.into(),
        document: document.into(),
        language: language.to_owned(),
        format: format.into(),
        requested_by: Some(the_client()),
        printed_by: Some(my_kanta()),
    }
}

async fn printed(fixture: &Fixture, request: v1::PrintDeclarationsRequest) -> v1::PrintDeclarationsResponse {
    fixture.declarations().print_declarations(request).await.expect("printed").into_inner()
}

fn ids(answer: &v1::PrintDeclarationsResponse) -> Vec<&str> {
    let id =
        |printed: &'_ v1::PrintedDeclaration| printed.declaration.as_ref().expect("a declaration").id.clone();
    let ids: Vec<String> = answer.declarations.iter().map(id).collect();
    assert!(ids.iter().all(|id| !answer.rendered.contains(id.as_str())), "an id is nothing for the client");
    answer.declarations.iter().map(|printed| printed.declaration.as_ref().expect("one").id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declarations_in_force_are_printed_in_every_language_and_format() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let consent = fixture.record(recording(aino(), "3", CONSENT)).await.declaration_id;
    let social = "denial: { sector: SECTOR_SOCIAL_WELFARE, service_transaction: visit-9 }";
    fixture.record(recording(aino(), "4", social)).await;
    let ended = fixture.record(recording(aino(), "5", DENIAL)).await.declaration_id;
    fixture.withdraw(withdrawal(aino(), "6", &ended)).await;
    let denial = "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-2 }";
    let denial = fixture.record(recording(aino(), "7", denial)).await.declaration_id;

    let mut titles = Vec::new();
    for language in ["fi", "sv", "en"] {
        for (document, expected) in [(Document::Consents, &consent), (Document::Denials, &denial)] {
            let text = printed(&fixture, printing(aino(), document, language, Format::Text)).await;
            let html = printed(&fixture, printing(aino(), document, language, Format::Html)).await;
            assert_eq!(ids(&text), [expected.as_str()]);
            assert_eq!(
                text,
                v1::PrintDeclarationsResponse {
                    rendered: text.rendered.clone(),
                    printed_at: text.printed_at,
                    ..html.clone()
                }
            );
            let entry = &text.declarations[0];
            // The text is wrapped.
            let unbroken = text.rendered.split_whitespace().collect::<Vec<_>>().join(" ");
            for words in entry.lines.iter().chain([&text.title, &entry.heading]) {
                assert!(!words.is_empty() && unbroken.contains(words.as_str()), "{words}: {}", text.rendered);
            }
            assert!(
                text.rendered.contains("010181-900C") && !text.rendered.contains('<'),
                "{}",
                text.rendered
            );
            assert!(html.rendered.starts_with("<!DOCTYPE html>"), "{}", html.rendered);
            assert!(html.rendered.contains(&format!("lang=\"{language}\"")), "{}", html.rendered);
            assert_eq!(text.rendered.contains("visit-2"), document == Document::Denials);
            titles.push(text.title);
        }
    }
    let in_finnish = printed(&fixture, printing(aino(), Document::Consents, "", Format::Unspecified)).await;
    assert_eq!(in_finnish.title, titles[0]);
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), 6, "{titles:?}");
    let fixture = fixture.restart_with(&[]).await;
    assert_eq!(fixture.viewings("printout").1, 6, "each printout of denials, and none of consents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_printout_says_so() {
    let fixture = Fixture::start().await;
    for language in ["fi", "sv", "en"] {
        for document in [Document::Consents, Document::Denials] {
            let answer = printed(&fixture, printing(person(1), document, language, Format::Text)).await;
            assert!(answer.declarations.is_empty() && !answer.none.is_empty(), "{answer:?}");
            assert!(answer.rendered.contains(&answer.none), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn printout_requires_the_right_to_declare() {
    let fixture = Fixture::start().await;
    let minor = v1::ClientId { extension: "020516C903K".to_owned(), root: String::new() };
    let guardian = Some(message::<v1::Declarer>("role: ROLE_GUARDIAN"));
    let by_guardian = |client, document| v1::PrintDeclarationsRequest {
        requested_by: guardian.clone(),
        ..printing(client, document, "en", Format::Text)
    };
    let not_allowed = because(Code::FailedPrecondition, "DECLARER_NOT_ALLOWED");
    for request in [
        by_guardian(aino(), Document::Consents),
        by_guardian(aino(), Document::Denials),
        by_guardian(minor.clone(), Document::Denials),
    ] {
        assert_eq!(refused(fixture.declarations().print_declarations(request).await), not_allowed);
    }
    printed(&fixture, by_guardian(minor.clone(), Document::Consents)).await;
    let professional = Some(professional());
    let from_a_professional = v1::PrintDeclarationsRequest {
        printed_by: professional.clone(),
        ..by_guardian(minor, Document::Denials)
    };
    printed(&fixture, from_a_professional).await;

    let of = |sector: Sector, document| v1::PrintDeclarationsRequest {
        sector: sector.into(),
        printed_by: professional.clone(),
        ..printing(aino(), document, "en", Format::Text)
    };
    printed(&fixture, of(Sector::Both, Document::Denials)).await;
    let other_sector =
        fixture.declarations().print_declarations(of(Sector::SocialWelfare, Document::Denials)).await;
    assert_eq!(refused(other_sector), because(Code::FailedPrecondition, "RECORDER_SECTOR_NOT_ALLOWED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_declaration_is_not_printed() {
    let fixture = Fixture::start().await;
    let nothing = fixture
        .declarations()
        .print_declarations(message::<v1::PrintDeclarationsRequest>("language: de"))
        .await;
    assert_eq!(refused(nothing), invalid(&["client", "sector", "document", "language", "requested_by"]));
    let denials = || printing(aino(), Document::Denials, "en", Format::Text);
    for (request, fields) in [
        (
            v1::PrintDeclarationsRequest {
                document: 9,
                format: 9,
                printed_by: Some(message("{}")),
                ..denials()
            },
            &["document", "format", "printed_by"][..],
        ),
        (
            v1::PrintDeclarationsRequest {
                sector: Sector::Both.into(),
                document: Document::Consents.into(),
                ..denials()
            },
            &["sector"],
        ),
        (v1::PrintDeclarationsRequest { printed_by: None, ..denials() }, &["printed_by"]),
    ] {
        assert_eq!(refused(fixture.declarations().print_declarations(request).await), invalid(fields));
    }
}
