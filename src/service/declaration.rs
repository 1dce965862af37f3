//! The declaration service: records what clients declare, and shows it.

mod append;
mod link;
mod payload;

use prost::Message;
use tonic::{Request, Response, Status};

use crate::identity::Verb;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Declaration, Information, Kind, Role};
use crate::policy::information::{InformationStatus, Received, information_status};
use crate::policy::printout::{PrintSubmission, PrintedDocument, Printout, printout};
use crate::policy::refusal::Refusal;
use crate::policy::viewing::{Showing, View, ViewingPurpose, get, select};
use crate::store::{Entry, Viewed, Viewing};
use crate::wire::client::check_born;
use crate::wire::declaration::{
    Getting, Listing, PrintOrder, getting, information_asked, listing, print_order, submission, to_shown,
    to_stored, to_way, viewer_required, withdrawal,
};
use crate::wire::v1::declaration_service_server::DeclarationService;
use crate::wire::v1::{
    GetDeclarationRequest, GetDeclarationResponse, GetInformationStatusRequest, GetInformationStatusResponse,
    LinkClientsRequest, LinkClientsResponse, ListDeclarationsRequest, ListDeclarationsResponse,
    ListLinksRequest, ListLinksResponse, PrintDeclarationsRequest, PrintDeclarationsResponse,
    PrintedDeclaration, ReceivedInformation, RecordDeclarationRequest, RecordDeclarationResponse,
    StoredDeclaration, UnlinkClientsRequest, UnlinkClientsResponse, WatchDeclarationsRequest,
    WithdrawDeclarationRequest, WithdrawDeclarationResponse,
};
use crate::wire::violation::{InvalidRequest, to_timestamp};

use append::{Acknowledged, ClientChange};
use payload::{digest_of_record, digest_of_withdrawal};

use super::caller::RequestCaller;
use super::printout::{Rendered, render};
use super::status::Failure;
use super::{Changes, Core, History};

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

    async fn record(
        &self,
        message: RecordDeclarationRequest,
        caller: &RequestCaller,
    ) -> Result<RecordDeclarationResponse, Failure> {
        let (submission, recording) = submission(&message)?;
        let payload_digest = digest_of_record(message);
        let change = ClientChange { entry: Entry::Declaration(submission), payload_digest };
        let Acknowledged { id, recorded_at, token, notices, replaced, everywhere_at } =
            self.append(change, recording, caller).await?;
        Ok(RecordDeclarationResponse {
            declaration_id: id.as_str().to_owned(),
            recorded_at: Some(to_timestamp(recorded_at)),
            token,
            notices,
            replaced_declaration_id: replaced.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    async fn withdraw(
        &self,
        message: WithdrawDeclarationRequest,
        caller: &RequestCaller,
    ) -> Result<WithdrawDeclarationResponse, Failure> {
        let (submission, recording) = withdrawal(&message)?;
        let payload_digest = digest_of_withdrawal(message);
        let change = ClientChange { entry: Entry::Withdrawal(submission), payload_digest };
        let Acknowledged { id: _, recorded_at, token, notices, replaced: _, everywhere_at } =
            self.append(change, recording, caller).await?;
        Ok(WithdrawDeclarationResponse {
            recorded_at: Some(to_timestamp(recorded_at)),
            token,
            notices,
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    async fn get(
        &self,
        message: &GetDeclarationRequest,
        caller: &RequestCaller,
    ) -> Result<GetDeclarationResponse, Failure> {
        let Getting { client, declaration, view } = getting(message)?;
        caller.require(Verb::of_listing(view.purpose))?;
        let snapshot = self.core.snapshot("").await?;
        if let Some(viewer) = &view.viewer {
            caller.check_recorder(viewer, snapshot.directory())?;
        }
        let now = self.core.now(&snapshot, &client)?;
        check_born(&client, now)?;
        let History { current, declarations, .. } = self.core.history(&client, &snapshot, caller.key).await?;
        let is_denial = |stored: &Declaration| stored.content.kind() == Kind::Denial;
        if view.viewer.is_none() && declarations.iter().any(|one| one.id == declaration && is_denial(one)) {
            return Err(viewer_required().into());
        }
        let directory = snapshot.directory();
        let showing = Showing { client: &current, directory, calendar: &self.core.calendar, now };
        let shown = get(&declaration, &view, &declarations, showing)?;
        let response = GetDeclarationResponse { declaration: Some(to_shown(&shown)) };
        self.log_view(client, view, Viewed::Declaration, caller).await?;
        Ok(response)
    }

    async fn list(
        &self,
        message: &ListDeclarationsRequest,
        caller: &RequestCaller,
    ) -> Result<ListDeclarationsResponse, Failure> {
        let Listing { client, mut selection, view, page_size } = listing(message)?;
        caller.require(Verb::of_listing(view.purpose))?;
        let limits = &self.core.limits;
        let page_size = page_size.unwrap_or(limits.page_size_default).min(limits.page_size_max);
        // One more than the page shows whether there is a next page.
        selection.count_max = page_size.saturating_add(1);
        let snapshot = self.core.snapshot("").await?;
        if let Some(viewer) = &view.viewer {
            caller.check_recorder(viewer, snapshot.directory())?;
        }
        let now = self.core.now(&snapshot, &client)?;
        check_born(&client, now)?;
        let History { current, declarations, .. } = self.core.history(&client, &snapshot, caller.key).await?;
        let directory = snapshot.directory();
        let showing = Showing { client: &current, directory, calendar: &self.core.calendar, now };
        let selected = select(&selection, &view, &declarations, showing).map_err(|refusal| {
            let is_foreign = refusal == Refusal::DeclarationUnknown;
            let foreign = || {
                InvalidRequest::one(
                    "page_token",
                    "not from an earlier response: leave it out to start from the first page",
                )
            };
            if is_foreign { Failure::Invalid(foreign()) } else { Failure::Refused(refusal) }
        })?;
        let mut bytes = 0_usize;
        let page = selected.iter().take(page_size).map(to_shown).take_while(|stored| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(stored.encoded_len());
            is_first || bytes <= limits.page_bytes_max
        });
        let page: Vec<StoredDeclaration> = page.collect();
        let last = page.last().filter(|_| page.len() < selected.len());
        let next_page_token = last.map(|last| last.id.clone()).unwrap_or_default();
        self.log_view(client, view, Viewed::List, caller).await?;
        Ok(ListDeclarationsResponse { declarations: page, next_page_token })
    }

    /// Logs a viewing for a purpose before anything is shown (002).
    async fn log_view(
        &self,
        client: ClientId,
        view: View,
        what: Viewed,
        caller: &RequestCaller,
    ) -> Result<(), Failure> {
        let View { purpose, viewer } = view;
        match purpose {
            None => Ok(()),
            Some(purpose) => {
                self.core.log_viewing(Viewing { client, viewer, purpose, what }, caller.key).await
            }
        }
    }

    async fn information_status(
        &self,
        message: &GetInformationStatusRequest,
        caller: &RequestCaller,
    ) -> Result<GetInformationStatusResponse, Failure> {
        let (client, asked_by) = information_asked(message)?;
        let snapshot = self.core.snapshot("").await?;
        let now = self.core.now(&snapshot, &client)?;
        check_born(&client, now)?;
        let asked_by = match asked_by {
            None => None,
            Some(register) => {
                caller.check_register(&register, snapshot.directory())?;
                let unknown = || {
                    InvalidRequest::one(
                        "asked_by",
                        "the directory has no such register: correct the OID, or leave it out",
                    )
                };
                Some(snapshot.directory().party(&register).ok_or_else(unknown)?)
            }
        };
        let History { declarations, .. } = self.core.history(&client, &snapshot, caller.key).await?;
        let status = information_status(&declarations, &self.core.calendar, asked_by.as_ref(), now);
        let InformationStatus { received, newest, is_outdated, must_inform } = status;
        let current_version = newest.map(|version| version.version.to_string()).unwrap_or_default();
        let explanation = if is_outdated && !must_inform {
            "The duty to inform starts once the requesting register has joined Kanta and shares within social welfare: nothing needs to be given yet.".to_owned()
        } else if must_inform {
            format!(
                "The client has not received version {current_version}, the newest: give it and record it."
            )
        } else {
            "The client has received the newest version: nothing needs to be given.".to_owned()
        };
        Ok(GetInformationStatusResponse {
            received: received.iter().map(to_received).collect(),
            current_version,
            must_inform,
            explanation,
        })
    }

    async fn print(
        &self,
        message: &PrintDeclarationsRequest,
        caller: &RequestCaller,
    ) -> Result<PrintDeclarationsResponse, Failure> {
        let PrintOrder { submission, language, format } = print_order(message)?;
        let snapshot = self.core.snapshot("").await?;
        if let Some(printer) = &submission.printed_by {
            caller.check_recorder(printer, snapshot.directory())?;
        }
        let now = self.core.now(&snapshot, &submission.client)?;
        check_born(&submission.client, now)?;
        let History { current, declarations, .. } =
            self.core.history(&submission.client, &snapshot, caller.key).await?;
        // The age goes by the code in use now; the paper names the code of the request.
        let of_person = PrintSubmission { client: current, ..submission.clone() };
        let document = submission.document;
        let (client, printer) = (submission.client.clone(), submission.printed_by.clone());
        let response = self.core.beside(move |core, _| {
            let (directory, calendar) = (snapshot.directory(), &*core.calendar);
            let printed = printout(&of_person, &declarations, directory, calendar, now)?;
            let rendered = render(&printed, &submission, directory, language, format, now);
            Ok(to_printed(&printed, rendered, now))
        });
        let response = response.await?;
        if document == PrintedDocument::Denials {
            let viewing = Viewing {
                client,
                viewer: printer,
                purpose: ViewingPurpose::ClientChangesDenials,
                what: Viewed::Printout,
            };
            self.core.log_viewing(viewing, caller.key).await?;
        }
        Ok(response)
    }
}

/// A printout, for a message.
fn to_printed(printed: &Printout<'_>, rendered: Rendered, now: Instant) -> PrintDeclarationsResponse {
    let Rendered { title, entries, none, rendered } = rendered;
    let declarations = printed.entries.iter().zip(entries).map(|(entry, words)| PrintedDeclaration {
        declaration: Some(to_stored(entry.declaration)),
        heading: words.heading,
        lines: words.lines,
        note: words.note.unwrap_or_default(),
    });
    PrintDeclarationsResponse {
        title,
        declarations: declarations.collect(),
        none: none.unwrap_or_default(),
        rendered,
        printed_at: Some(to_timestamp(now)),
    }
}

#[tonic::async_trait]
impl DeclarationService for Declarations {
    async fn record_declaration(
        &self,
        request: Request<RecordDeclarationRequest>,
    ) -> Result<Response<RecordDeclarationResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Record)?;
        Ok(Response::new(self.record(request.into_inner(), &caller).await?))
    }

    async fn withdraw_declaration(
        &self,
        request: Request<WithdrawDeclarationRequest>,
    ) -> Result<Response<WithdrawDeclarationResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Withdraw)?;
        Ok(Response::new(self.withdraw(request.into_inner(), &caller).await?))
    }

    async fn get_declaration(
        &self,
        request: Request<GetDeclarationRequest>,
    ) -> Result<Response<GetDeclarationResponse>, Status> {
        let caller = RequestCaller::entitled_to_list(&request)?;
        Ok(Response::new(self.get(request.get_ref(), &caller).await?))
    }

    async fn list_declarations(
        &self,
        request: Request<ListDeclarationsRequest>,
    ) -> Result<Response<ListDeclarationsResponse>, Status> {
        let caller = RequestCaller::entitled_to_list(&request)?;
        Ok(Response::new(self.list(request.get_ref(), &caller).await?))
    }

    async fn get_information_status(
        &self,
        request: Request<GetInformationStatusRequest>,
    ) -> Result<Response<GetInformationStatusResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::List)?;
        Ok(Response::new(self.information_status(request.get_ref(), &caller).await?))
    }

    type WatchDeclarationsStream = Changes;

    async fn watch_declarations(
        &self,
        request: Request<WatchDeclarationsRequest>,
    ) -> Result<Response<Changes>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Watch)?;
        Ok(Response::new(self.core.watch(&request.get_ref().after, caller).await?))
    }

    async fn link_clients(
        &self,
        request: Request<LinkClientsRequest>,
    ) -> Result<Response<LinkClientsResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Link)?;
        Ok(Response::new(self.link(request.into_inner(), &caller).await?))
    }

    async fn unlink_clients(
        &self,
        request: Request<UnlinkClientsRequest>,
    ) -> Result<Response<UnlinkClientsResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Link)?;
        Ok(Response::new(self.unlink(request.into_inner(), &caller).await?))
    }

    async fn list_links(
        &self,
        request: Request<ListLinksRequest>,
    ) -> Result<Response<ListLinksResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Link)?;
        Ok(Response::new(self.list_links(request.get_ref(), &caller).await?))
    }

    async fn print_declarations(
        &self,
        request: Request<PrintDeclarationsRequest>,
    ) -> Result<Response<PrintDeclarationsResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Print)?;
        Ok(Response::new(self.print(request.get_ref(), &caller).await?))
    }
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
