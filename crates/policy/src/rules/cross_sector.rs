//! The rules between healthcare and social welfare. Denials do not apply (004),
//! except extensive denials of both sectors and denials of a prescription.

mod basis;
mod claims;
mod denied;
mod not_open;

use super::{Rule, Sharing};
use crate::declaration::ConsentKind;

pub(super) const RULES: &[&Rule] = &[
    &not_open::XS_NOT_OPEN,
    &claims::XS_AUTHORITY,
    &denied::XS_DENIED,
    &claims::XS_JOINT_SERVICE,
    &claims::XS_UNABLE,
    &basis::XS_LOCAL_CONSENT,
    &basis::XS_CONSENT,
    &basis::XS_NO_BASIS,
];

/// The kind of consent that opens this direction.
fn consent_of_direction(sharing: &Sharing<'_, '_>) -> ConsentKind<'static> {
    if sharing.is_of_patient_data() {
        ConsentKind::PatientDataToSocialWelfare
    } else {
        ConsentKind::ClientDataToHealthcare
    }
}
