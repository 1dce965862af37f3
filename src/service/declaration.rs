//! Records what clients declare, and shows it.

use std::sync::Arc;

use prost::Message;
use sha2::{Digest, Sha256};
use tokio::time;
use tonic::{Request, Response, Status};

use crate::policy::admit::{Admitted, admit, admit_withdrawal};
use crate::policy::calendar::Calendar;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Declaration, Information, Kind, Role};
use crate::policy::directory::Directory;
use crate::policy::information::{InformationStatus, Received, information_status};
use crate::policy::printout::{PrintedDocument, printout};
use crate::policy::refusal::Refusal;
use crate::policy::viewing::{ViewingPurpose, select};
use crate::store::{Admit, Append, Appended, Entry, Viewed, Viewing};
use crate::telemetry::attributes::Attribute;
use crate::telemetry::metrics::{Recorded, StoreOperation};
use crate::telemetry::span::Open;
use crate::wire::client::client_of;
use crate::wire::declaration::{
    Getting, Listing, PrintOrder, Recording, View, Wait, getting, listing, print_order, submission,
    to_notice, to_stored, to_way, withdrawal,
};
use crate::wire::v1::declaration_service_server::DeclarationService;
use crate::wire::v1::{
    GetRequest, GetResponse, InformationStatusRequest, InformationStatusResponse, ListRequest, ListResponse,
    PrintRequest, PrintResponse, PrintedDeclaration, ReceivedInformation, RecordRequest, RecordResponse,
    StoredDeclaration, WatchRequest, WithdrawRequest, WithdrawResponse,
};
use crate::wire::violation::{InvalidRequest, to_timestamp};

use super::printout::{Rendered, render};
use super::status::Failure;
use super::{Changes, Core};

/// The declaration service.
#[derive(Clone)]
pub struct Declarations {
    core: Core,
}

impl Declarations {
    /// Records into and shows from these parts.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    async fn record(&self, message: RecordRequest) -> Result<RecordResponse, Failure> {
        let (submission, Recording { idempotency_key, wait }) = submission(&message)?;
        let said = RecordRequest { idempotency_key: String::new(), wait: 0, ..message };
        let payload_digest = digest("Record", &said);
        let entry = Entry::Declaration {
            content: submission.content.clone(),
            given_at: submission.given_at,
            declarer: submission.declarer.clone(),
            recorded_by: submission.recorded_by.clone(),
        };
        let client = submission.client.clone();
        let (directory, calendar) = self.judged_by()?;
        let admit: Admit =
            Box::new(move |declarations, now| admit(&submission, declarations, &directory, &calendar, now));
        let append = Append { client, idempotency_key, payload_digest, entry, admit };
        let (appended, everywhere_at) = self.append(append, wait).await?;
        let token = self.core.tokens.write(appended.point());
        let Appended { recorded_at, declaration_id, admitted, .. } = appended;
        let Admitted { notices, replaced } = admitted;
        Ok(RecordResponse {
            declaration_id: declaration_id.as_str().to_owned(),
            recorded_at: Some(to_timestamp(recorded_at)),
            token,
            notices: notices.into_iter().map(|notice| to_notice(notice).into()).collect(),
            replaced_declaration_id: replaced.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    async fn withdraw(&self, message: WithdrawRequest) -> Result<WithdrawResponse, Failure> {
        let (submission, Recording { idempotency_key, wait }) = withdrawal(&message)?;
        let said = WithdrawRequest { idempotency_key: String::new(), wait: 0, ..message };
        let payload_digest = digest("Withdraw", &said);
        let entry = Entry::Withdrawal {
            declaration_id: submission.declaration.clone(),
            given_at: submission.given_at,
            by: submission.declarer.clone(),
            recorded_by: submission.recorded_by.clone(),
        };
        let client = submission.client.clone();
        let (directory, calendar) = self.judged_by()?;
        let admit: Admit = Box::new(move |declarations, now| {
            admit_withdrawal(&submission, declarations, &directory, &calendar, now)
        });
        let append = Append { client, idempotency_key, payload_digest, entry, admit };
        let (appended, everywhere_at) = self.append(append, wait).await?;
        Ok(WithdrawResponse {
            recorded_at: Some(to_timestamp(appended.recorded_at)),
            token: self.core.tokens.write(appended.point()),
            notices: appended.admitted.notices.into_iter().map(|notice| to_notice(notice).into()).collect(),
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    /// The directory and the dates by which admission judges.
    fn judged_by(&self) -> Result<(Arc<Directory>, Arc<Calendar>), Failure> {
        let snapshot = self.core.index.current().map_err(Failure::Unavailable)?;
        self.core.now(&snapshot)?;
        Ok((snapshot.directory().clone(), self.core.calendar.clone()))
    }

    /// Stores durably and waits until it is in force here, or everywhere: what
    /// is acknowledged is seen by every decision that starts after. Tells from
    /// when on that is so everywhere.
    async fn append(&self, append: Append, wait: Wait) -> Result<(Appended, Instant), Failure> {
        let recorded = match &append.entry {
            Entry::Declaration { content, .. } => Recorded::Declaration(content.kind()),
            Entry::Withdrawal { .. } => Recorded::Withdrawal,
        };
        let store = async { Ok(self.core.store.append(append).await?) };
        let appended = self.core.stored(StoreOperation::Append, store).await?;
        let Appended { revision, is_replay, .. } = appended;
        if !is_replay {
            self.core.telemetry.metrics.recorded(recorded);
        }
        if let Some(span) = Open::recorded() {
            span.set([
                Attribute::declaration_kind(recorded),
                Attribute::revision(revision.0),
                Attribute::is_replay(is_replay),
                Attribute::catalogue_version(&self.core.catalogue_version),
            ]);
        }
        let everywhere = self.core.everywhere(appended.recorded_at, appended.max_staleness);
        self.core.wait_for_stored(appended.point()).await?;
        if wait == Wait::Everywhere {
            time::sleep_until(everywhere.deadline).await;
        }
        Ok((appended, everywhere.at))
    }

    async fn get(&self, message: &GetRequest) -> Result<GetResponse, Failure> {
        let Getting { client, declaration, view } = getting(message)?;
        let snapshot = self.core.snapshot("").await?;
        let history = self.core.history(&client, &snapshot).await?;
        let stored = history.iter().find(|stored| stored.id == declaration);
        let stored = stored.ok_or(Refusal::DeclarationUnknown)?;
        self.view([stored], client, view, Viewed::Declaration).await?;
        Ok(GetResponse { declaration: Some(to_stored(stored)) })
    }

    async fn list(&self, message: &ListRequest) -> Result<ListResponse, Failure> {
        let Listing { client, selection, viewer, page_size } = listing(message)?;
        let snapshot = self.core.snapshot("").await?;
        let now = self.core.now(&snapshot)?;
        let history = self.core.history(&client, &snapshot).await?;
        let selected = select(&selection, &history, &client, now).map_err(|refusal| {
            let is_foreign = refusal == Refusal::DeclarationUnknown;
            let foreign = || {
                InvalidRequest::one("page_token", "not from an earlier response: leave it out to begin anew")
            };
            if is_foreign { Failure::Invalid(foreign()) } else { Failure::Refused(refusal) }
        })?;
        let limits = &self.core.limits;
        let page_size = page_size.unwrap_or(limits.page_size_default).min(limits.page_size_max);
        let mut bytes = 0_usize;
        let page = selected.iter().take(page_size).map(|stored| to_stored(stored)).take_while(|stored| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(stored.encoded_len());
            is_first || bytes <= limits.page_bytes_max
        });
        let page: Vec<StoredDeclaration> = page.collect();
        let last = page.last().filter(|_| page.len() < selected.len());
        let next_page_token = last.map(|last| last.id.clone()).unwrap_or_default();
        let view = View { purpose: selection.purpose, viewer };
        self.view(selected.iter().copied().take(page.len()), client, view, Viewed::List).await?;
        Ok(ListResponse { declarations: page, next_page_token })
    }

    /// Lets declarations be shown: denials only for a purpose, and each
    /// viewing is logged first (002).
    async fn view(
        &self,
        shown: impl IntoIterator<Item = &Declaration>,
        client: ClientId,
        view: View,
        what: Viewed,
    ) -> Result<(), Failure> {
        let shows_denials = shown.into_iter().any(|stored| stored.content.kind() == Kind::Denial);
        match view.purpose {
            None if shows_denials => Err(Refusal::ViewingPurposeRequired.into()),
            None => Ok(()),
            Some(purpose) => {
                let viewing = Viewing { client, viewer: view.viewer, purpose, what };
                self.core.log_viewing(viewing).await
            }
        }
    }

    async fn information_status(
        &self,
        message: &InformationStatusRequest,
    ) -> Result<InformationStatusResponse, Failure> {
        let InformationStatusRequest { client } = message;
        let client = client_of(client.as_ref())?;
        let snapshot = self.core.snapshot("").await?;
        let now = self.core.now(&snapshot)?;
        let history = self.core.history(&client, &snapshot).await?;
        let InformationStatus { received, newest, must_inform } =
            information_status(&history, &self.core.calendar, now);
        let current_version = newest.map(|version| version.version.to_string()).unwrap_or_default();
        let explanation = if must_inform {
            format!(
                "The client has not received version {current_version}, the newest: give it and record it."
            )
        } else {
            "The client has received the newest version: nothing needs to be given.".to_owned()
        };
        Ok(InformationStatusResponse {
            received: received.iter().map(to_received).collect(),
            current_version,
            must_inform,
            explanation,
        })
    }

    async fn print(&self, message: &PrintRequest) -> Result<PrintResponse, Failure> {
        let PrintOrder { submission, language, format } = print_order(message)?;
        let snapshot = self.core.snapshot("").await?;
        let now = self.core.now(&snapshot)?;
        let history = self.core.history(&submission.client, &snapshot).await?;
        let printed = printout(&submission, &history, snapshot.directory(), &self.core.calendar, now)?;
        if submission.document == PrintedDocument::Denials {
            let viewing = Viewing {
                client: submission.client.clone(),
                viewer: submission.printed_by.clone(),
                purpose: ViewingPurpose::ClientChangesDenials,
                what: Viewed::Printout,
            };
            self.core.log_viewing(viewing).await?;
        }
        let Rendered { title, entries, none, rendered } =
            render(&printed, &submission, snapshot.directory(), language, format, now);
        let declarations = printed.entries.iter().zip(entries).map(|(entry, words)| PrintedDeclaration {
            declaration: Some(to_stored(entry.declaration)),
            heading: words.heading,
            lines: words.lines,
            note: words.note.unwrap_or_default(),
        });
        Ok(PrintResponse {
            title,
            declarations: declarations.collect(),
            none: none.unwrap_or_default(),
            rendered,
            printed_at: Some(to_timestamp(now)),
        })
    }
}

#[tonic::async_trait]
impl DeclarationService for Declarations {
    async fn record(&self, request: Request<RecordRequest>) -> Result<Response<RecordResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.record(request.into_inner()).await?))
    }

    async fn withdraw(
        &self,
        request: Request<WithdrawRequest>,
    ) -> Result<Response<WithdrawResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.withdraw(request.into_inner()).await?))
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.get(request.get_ref()).await?))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.list(request.get_ref()).await?))
    }

    async fn information_status(
        &self,
        request: Request<InformationStatusRequest>,
    ) -> Result<Response<InformationStatusResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.information_status(request.get_ref()).await?))
    }

    type WatchStream = Changes;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Changes>, Status> {
        let entitlement = self.core.entitlement(request.remote_addr());
        Ok(Response::new(self.core.watch(&request.get_ref().after, entitlement).await?))
    }

    async fn print(&self, request: Request<PrintRequest>) -> Result<Response<PrintResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.print(request.get_ref()).await?))
    }
}

/// What a request says, its idempotency key apart: the same for the same
/// message, however it was encoded.
fn digest(method: &str, message: &impl Message) -> [u8; 32] {
    Sha256::new()
        .chain_update(method)
        .chain_update([0])
        .chain_update(message.encode_to_vec())
        .finalize()
        .into()
}

fn to_received(received: &Received<'_>) -> ReceivedInformation {
    let Received { declaration, information: Information { version, way }, counts } = received;
    ReceivedInformation {
        version: version.to_string(),
        received_at: Some(to_timestamp(declaration.given_at)),
        way: to_way(*way).into(),
        on_behalf: declaration.role().is_some_and(|role| role != Role::Client),
        ignored: !counts,
    }
}
