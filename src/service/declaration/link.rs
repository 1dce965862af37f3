//! Links between the codes of one person.

use super::super::History;
use super::super::caller::RequestCaller;
use super::super::status::Failure;
use super::Declarations;
use super::append::{Acknowledged, ClientChange};
use super::payload::{digest_of_link, digest_of_unlink};
use crate::store::Entry;
use crate::wire::client::{check_born, client_of, to_client};
use crate::wire::declaration::{link, to_stored_link, unlink};
use crate::wire::v1::{
    LinkClientsRequest, LinkClientsResponse, ListLinksRequest, ListLinksResponse, UnlinkClientsRequest,
    UnlinkClientsResponse,
};
use crate::wire::violation::to_timestamp;

impl Declarations {
    pub(super) async fn link(
        &self,
        message: LinkClientsRequest,
        caller: &RequestCaller,
    ) -> Result<LinkClientsResponse, Failure> {
        let (submission, recording) = link(&message)?;
        let payload_digest = digest_of_link(message);
        let change = ClientChange { entry: Entry::Link(submission), payload_digest };
        let Acknowledged { id, recorded_at, token, notices, replaced: _, everywhere_at } =
            self.append(change, recording, caller).await?;
        Ok(LinkClientsResponse {
            link_id: id.as_str().to_owned(),
            recorded_at: Some(to_timestamp(recorded_at)),
            token,
            notices,
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    pub(super) async fn unlink(
        &self,
        message: UnlinkClientsRequest,
        caller: &RequestCaller,
    ) -> Result<UnlinkClientsResponse, Failure> {
        let (submission, recording) = unlink(&message)?;
        let payload_digest = digest_of_unlink(message);
        let change = ClientChange { entry: Entry::Unlink(submission), payload_digest };
        let Acknowledged { id: _, recorded_at, token, notices, replaced: _, everywhere_at } =
            self.append(change, recording, caller).await?;
        Ok(UnlinkClientsResponse {
            recorded_at: Some(to_timestamp(recorded_at)),
            token,
            notices,
            effective_everywhere_after: Some(to_timestamp(everywhere_at)),
        })
    }

    pub(super) async fn list_links(
        &self,
        message: &ListLinksRequest,
        caller: &RequestCaller,
    ) -> Result<ListLinksResponse, Failure> {
        let client = client_of(message.client.as_ref())?;
        let snapshot = self.core.snapshot("").await?;
        check_born(&client, self.core.now(&snapshot, &client)?)?;
        let is_linked = snapshot.person(&client).is_some();
        let History { codes, current, declarations: _, links } =
            self.core.history(&client, &snapshot, caller.key).await?;
        Ok(ListLinksResponse {
            clients: codes.iter().map(to_client).collect(),
            current: is_linked.then(|| to_client(&current)),
            links: links.iter().map(to_stored_link).collect(),
        })
    }
}
