//! Who the client is, on the wire.

use crate::policy::client_id::{ClientId, IdentityCode, NATIONAL_ROOT};
use crate::policy::day::{Day, Instant};

use super::v1;
use super::view::ClientView;
use super::violation::{InvalidRequest, Violations};

/// Reads the id in a field `client`.
pub(super) fn client_id<'a>(
    message: Option<impl Into<ClientView<'a>>>,
    violations: &mut Violations,
) -> Option<ClientId> {
    client_in("client", message, violations)
}

/// Reads the id in a field.
pub(super) fn client_in<'a>(
    field: &str,
    message: Option<impl Into<ClientView<'a>>>,
    violations: &mut Violations,
) -> Option<ClientId> {
    let ClientView { extension, root } = violations.required(field, message)?.into();
    let extension_field = || format!("{field}.extension");
    if root.is_empty() || root == NATIONAL_ROOT {
        let code = IdentityCode::parse(extension).map(ClientId::National);
        return code.map_err(|error| violations.add(extension_field(), error)).ok();
    }
    let root = violations.owned_oid(&format!("{field}.root"), root);
    let extension = violations.owned_id(&extension_field(), extension);
    Some(ClientId::Other { root: root?, extension: extension? })
}

/// Reads the client of a request about nothing else.
pub fn client_of(message: Option<&v1::ClientId>) -> Result<ClientId, InvalidRequest> {
    let mut violations = Violations::default();
    let client = client_id(message, &mut violations);
    violations.finish(client)
}

/// Refuses a client whose date of birth lies later than tomorrow: the century
/// sign is wrong, and the declarations of someone else would be meant.
pub fn check_born(client: &ClientId, now: Instant) -> Result<(), InvalidRequest> {
    check_born_in("client", client, now)
}

/// As [`check_born`], for a client in another field.
pub fn check_born_in(field: &str, client: &ClientId, now: Instant) -> Result<(), InvalidRequest> {
    if client.is_born_by_tomorrow(Day::of(now)) {
        return Ok(());
    }
    let wrong = "the birth date of the identity code is in the future: correct the century sign";
    Err(InvalidRequest::one(format!("{field}.extension"), wrong))
}

/// A client, for a message.
#[must_use]
pub fn to_client(client: &ClientId) -> v1::ClientId {
    let root = match client {
        ClientId::National(_) => String::new(),
        ClientId::Other { root, .. } => root.as_str().to_owned(),
    };
    v1::ClientId { extension: client.extension().to_owned(), root }
}
