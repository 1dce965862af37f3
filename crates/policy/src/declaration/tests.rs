//! Properties of denials.

use super::*;

#[test]
fn the_length_of_a_scope_is_that_of_its_id() {
    let id = || OpaqueId::parse("event-1").expect("an id");
    let oid = || Oid::parse("1.2.246.10.1").expect("an OID");
    for (scope, bytes) in [
        (Scope::AllPatientData, 0),
        (Scope::Extensive, 0),
        (Scope::ServiceEvent(id()), 7),
        (Scope::ServiceTask(id()), 7),
        (Scope::Register(oid()), 12),
        (Scope::FormerProvider(oid()), 12),
    ] {
        assert_eq!(scope.id_bytes(), bytes, "{scope:?}");
    }
}
