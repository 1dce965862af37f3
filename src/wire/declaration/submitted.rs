//! Requests about declarations, from the wire.

use crate::policy::admit::{Notice, Submission, WithdrawalSubmission};
use crate::policy::client_id::ClientId;
use crate::policy::declaration::{Declarer, Kind, RecordedBy};
use crate::policy::directory::Sector;
use crate::policy::language::Language;
use crate::policy::oid::{Oid, OpaqueId};
use crate::policy::printout::{Format, PrintSubmission, PrintedDocument, PrintedSector};
use crate::policy::viewing::{Selection, View, ViewingPurpose};
use crate::wire::client::client_id;
use crate::wire::limits::VALUES_MAX;
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, Violations};

use super::{Origin, content, declarer, label, recorded_by};

/// A request for one declaration.
#[derive(Clone, Debug)]
pub struct Getting {
    /// The client whose declaration is shown.
    pub client: ClientId,
    /// The id of the declaration.
    pub declaration: OpaqueId<'static>,
    /// The viewer and the purpose.
    pub view: View,
}

/// A request for a client's declarations.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The client whose declarations are shown.
    pub client: ClientId,
    /// The declarations of the page.
    pub selection: Selection,
    /// The viewer and the purpose.
    pub view: View,
    /// Maximum number of declarations; none = as configured.
    pub page_size: Option<usize>,
}

/// A printout, asked for.
#[derive(Clone, Debug)]
pub struct PrintOrder {
    /// What, for whom.
    pub submission: PrintSubmission,
    /// In which language.
    pub language: Language,
    /// How rendered.
    pub format: Format,
}

/// How something is to be recorded.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The same for the same request, however often it is sent.
    pub idempotency_key: OpaqueId<'static>,
    /// When it is acknowledged.
    pub wait: Wait,
}

/// When a change that was stored is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// When it is in force here.
    Here,
    /// When no server that shares the store decides without it any more.
    Everywhere,
}

/// Reads a declaration to record, with its idempotency key and wait.
pub fn submission(message: &v1::RecordDeclarationRequest) -> Result<(Submission, Recording), InvalidRequest> {
    let v1::RecordDeclarationRequest {
        client,
        declaration,
        given_at,
        declarer,
        recorded_by,
        idempotency_key,
        wait,
    } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let content = content("declaration", declaration.as_ref(), Origin::Submitted, &mut violations);
    let label = label("declaration", declaration.as_ref(), &mut violations);
    let given_at = violations.optional_instant("given_at", given_at.as_ref());
    let declarer = required_declarer("declarer", declarer.as_ref(), &mut violations);
    let recorded_by = required_recorder(recorded_by.as_ref(), &mut violations);
    let recording = recording(idempotency_key, *wait, &mut violations);
    let read = (|| {
        let submission = Submission {
            client: client?,
            content: content?,
            given_at: given_at?,
            declarer: declarer?,
            recorded_by: recorded_by?,
            label: label?,
        };
        Some((submission, recording?))
    })();
    violations.finish(read)
}

/// Reads a withdrawal to record, with its idempotency key and wait.
pub fn withdrawal(
    message: &v1::WithdrawDeclarationRequest,
) -> Result<(WithdrawalSubmission, Recording), InvalidRequest> {
    let v1::WithdrawDeclarationRequest {
        client,
        declaration_id,
        declarer,
        recorded_by,
        given_at,
        idempotency_key,
        wait,
    } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let declaration = violations.owned_id("declaration_id", declaration_id);
    let declarer = required_declarer("declarer", declarer.as_ref(), &mut violations);
    let recorded_by = required_recorder(recorded_by.as_ref(), &mut violations);
    let given_at = violations.optional_instant("given_at", given_at.as_ref());
    let recording = recording(idempotency_key, *wait, &mut violations);
    let read = (|| {
        let submission = WithdrawalSubmission {
            client: client?,
            declaration: declaration?,
            given_at: given_at?,
            declarer: declarer?,
            recorded_by: recorded_by?,
        };
        Some((submission, recording?))
    })();
    violations.finish(read)
}

pub(super) fn recording(idempotency_key: &str, wait: i32, violations: &mut Violations) -> Option<Recording> {
    let idempotency_key = violations.owned_id("idempotency_key", idempotency_key);
    let wait = violations.known("wait", wait).map(|wait| match wait {
        v1::Wait::Unspecified | v1::Wait::Here => Wait::Here,
        v1::Wait::Everywhere => Wait::Everywhere,
    });
    Some(Recording { idempotency_key: idempotency_key?, wait: wait? })
}

/// Reads what to get.
pub fn getting(message: &v1::GetDeclarationRequest) -> Result<Getting, InvalidRequest> {
    let v1::GetDeclarationRequest { client, declaration_id, viewing_purpose, viewer } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let declaration = violations.owned_id("declaration_id", declaration_id);
    let view = view(*viewing_purpose, viewer.as_ref(), &mut violations);
    let read = (|| Some(Getting { client: client?, declaration: declaration?, view: view? }))();
    violations.finish(read)
}

/// Reads what to list.
pub fn listing(message: &v1::ListDeclarationsRequest) -> Result<Listing, InvalidRequest> {
    let v1::ListDeclarationsRequest {
        client,
        kinds,
        include_ended,
        viewing_purpose,
        viewer,
        page_size,
        page_token,
    } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let kinds: Vec<Kind> = violations
        .bounded("kinds", kinds, VALUES_MAX)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(place, number)| {
            let field = format!("kinds[{place}]");
            Some(match violations.known(&field, *number)? {
                v1::Kind::Unspecified => return violations.required(&field, None),
                v1::Kind::Information => Kind::Information,
                v1::Kind::Consent => Kind::Consent,
                v1::Kind::Denial => Kind::Denial,
            })
        })
        .collect();
    if viewer.is_none() && (kinds.is_empty() || kinds.contains(&Kind::Denial)) {
        violations.add("viewer", VIEWER_REQUIRED);
    }
    let view = view(*viewing_purpose, viewer.as_ref(), &mut violations);
    let page_size = usize::try_from(*page_size).ok();
    if page_size.is_none() {
        violations.add("page_size", "below zero: leave it out or ask for at least one");
    }
    let token = OpaqueId::parse(page_token.as_str()).map(OpaqueId::into_owned);
    let after =
        if page_token.is_empty() { Some(None) } else { violations.read("page_token", token).map(Some) };
    let read = (|| {
        Some(Listing {
            client: client?,
            selection: Selection {
                kinds,
                include_ended: *include_ended,
                after: after?,
                count_max: usize::MAX,
            },
            view: view?,
            page_size: Some(page_size?).filter(|size| *size > 0),
        })
    })();
    violations.finish(read)
}

/// Reads the client and, if there is one, the requesting register.
pub fn information_asked(
    message: &v1::GetInformationStatusRequest,
) -> Result<(ClientId, Option<Oid<'static>>), InvalidRequest> {
    let v1::GetInformationStatusRequest { client, asked_by } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let asked_by = violations.optional_oid("asked_by", asked_by);
    violations.finish(client.zip(asked_by))
}

/// Reads what to print.
pub fn print_order(message: &v1::PrintDeclarationsRequest) -> Result<PrintOrder, InvalidRequest> {
    let v1::PrintDeclarationsRequest { client, sector, document, language, format, requested_by, printed_by } =
        message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let sector = violations.known("sector", *sector).and_then(|sector| match sector {
        v1::Sector::Unspecified => violations.required("sector", None),
        v1::Sector::Healthcare => Some(PrintedSector::One(Sector::Healthcare)),
        v1::Sector::SocialWelfare => Some(PrintedSector::One(Sector::SocialWelfare)),
        v1::Sector::Both => Some(PrintedSector::Both),
    });
    let document = violations.known("document", *document).and_then(|document| match document {
        v1::Document::Unspecified => violations.required("document", None),
        v1::Document::Consents => Some(PrintedDocument::Consents),
        v1::Document::Denials => Some(PrintedDocument::Denials),
    });
    if sector == Some(PrintedSector::Both) && document == Some(PrintedDocument::Consents) {
        violations.add("sector", "a copy of the consents is of one sector: name one");
    }
    if printed_by.is_none() && document == Some(PrintedDocument::Denials) {
        violations.add("printed_by", VIEWER_REQUIRED);
    }
    let known = if language.is_empty() { Some(Language::Fi) } else { Language::from_tag(language) };
    let language = violations.read("language", known.ok_or("unknown language: write `fi`, `sv` or `en`"));
    let format = violations.known("format", *format).map(|format| match format {
        v1::Format::Unspecified | v1::Format::Text => Format::Text,
        v1::Format::Html => Format::Html,
    });
    let requested_by = required_declarer("requested_by", requested_by.as_ref(), &mut violations);
    let printed_by = match printed_by {
        None => Some(None),
        Some(by) => recorded_by("printed_by", by, &mut violations).map(Some),
    };
    let read = (|| {
        let submission = PrintSubmission {
            client: client?,
            sector: sector?,
            document: document?,
            requested_by: requested_by?.role,
            printed_by: printed_by?,
        };
        Some(PrintOrder { submission, language: language?, format: format? })
    })();
    violations.finish(read)
}

/// The violation of a request that shows denials and names no viewer.
const VIEWER_REQUIRED: &str = "required where denials are shown: name the professional, or MyKanta";

/// The violation of a request for a denial that names no viewer.
#[must_use]
pub fn viewer_required() -> InvalidRequest {
    InvalidRequest::one("viewer", VIEWER_REQUIRED)
}

/// Writes a notice.
#[must_use]
pub fn to_notice(notice: Notice) -> v1::Notice {
    match notice {
        Notice::LateEntry => v1::Notice::LateEntry,
        Notice::ProvideInformation => v1::Notice::ProvideInformation,
        Notice::ConsentReplaced => v1::Notice::ConsentReplaced,
        Notice::Superseded => v1::Notice::Superseded,
        Notice::AlreadyDenied => v1::Notice::AlreadyDenied,
        Notice::StillDenied => v1::Notice::StillDenied,
        Notice::AlreadyLinked => v1::Notice::AlreadyLinked,
    }
}

fn required_declarer(
    field: &str,
    message: Option<&v1::Declarer>,
    violations: &mut Violations,
) -> Option<Declarer> {
    let declarer = declarer(field, violations.required(field, message)?, violations)?;
    violations.required(&format!("{field}.role"), declarer)
}

fn required_recorder(message: Option<&v1::RecordedBy>, violations: &mut Violations) -> Option<RecordedBy> {
    recorded_by("recorded_by", violations.required("recorded_by", message)?, violations)
}

fn view(purpose: i32, viewer: Option<&v1::RecordedBy>, violations: &mut Violations) -> Option<View> {
    let purpose = violations.known("viewing_purpose", purpose).map(|purpose| match purpose {
        v1::ViewingPurpose::Unspecified => None,
        v1::ViewingPurpose::ClientChangesDenials => Some(ViewingPurpose::ClientChangesDenials),
        v1::ViewingPurpose::DisclosureOutsideKanta => Some(ViewingPurpose::DisclosureOutsideKanta),
        v1::ViewingPurpose::Investigation => Some(ViewingPurpose::Investigation),
    });
    let viewer = match viewer {
        None => Some(None),
        Some(by) => recorded_by("viewer", by, violations).map(Some),
    };
    Some(View { purpose: purpose?, viewer: viewer? })
}

#[cfg(test)]
mod tests;
