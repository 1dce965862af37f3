//! Who the client is, on the wire.

use crate::policy::client_id::{ClientId, IdentityCode, NATIONAL_ROOT};

use super::v1;
use super::violation::Violations;

/// Reads a client's id.
pub(super) fn client_id(
    field: &str,
    message: Option<&v1::ClientId>,
    violations: &mut Violations,
) -> Option<ClientId> {
    let v1::ClientId { extension, root } = violations.required(field, message)?;
    let extension_field = format!("{field}.extension");
    if root.is_empty() || root == NATIONAL_ROOT {
        return violations.read(&extension_field, IdentityCode::parse(extension)).map(ClientId::National);
    }
    let root = violations.owned_oid(&format!("{field}.root"), root);
    let extension = violations.owned_id(&extension_field, extension);
    Some(ClientId::Other { root: root?, extension: extension? })
}

/// Reads the client of a request about nothing else.
pub fn client_of(message: Option<&v1::ClientId>) -> Result<ClientId, super::violation::InvalidRequest> {
    let mut violations = Violations::default();
    let client = client_id("client", message, &mut violations);
    violations.finish(client)
}
