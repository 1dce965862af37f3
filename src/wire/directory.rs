//! The directory on the wire.

use crate::policy::directory::{
    Directory, DirectoryFault, DirectoryPlace, MainResponsibility, Name, Organisation, OrganisationKind,
    Outsourcing, Register, RegisterKind, WrongInDirectory,
};

use super::limits::CONNECTIONS_MAX;
use super::v1;
use super::violation::{InvalidRequest, Violation, Violations};

/// Checks that a directory has at most a number of entries, before it is read: of
/// organisations, registers, outsourced services and providers with which an
/// organisation operates.
pub fn check_entries(message: &v1::Directory, entries_max: usize) -> Result<(), InvalidRequest> {
    let v1::Directory { organisations, registers, outsourcing } = message;
    let connections = organisations.iter().map(|organisation| organisation.main_responsibility.len());
    let entries = organisations.len() + registers.len() + outsourcing.len() + connections.sum::<usize>();
    if entries <= entries_max {
        return Ok(());
    }
    Err(InvalidRequest::one(
        "directory",
        format_args!(
            "more than {entries_max} organisations, registers and relations: leave some out, or have the operator raise `limits.directory_entries_max`"
        ),
    ))
}

/// Reads a directory, or reports every fault by its path, such as
/// `organisations[3].successor`.
pub fn directory(message: &v1::Directory) -> Result<Directory, InvalidRequest> {
    let mut violations = Violations::default();
    let v1::Directory { organisations, registers, outsourcing } = message;
    let organisations = every(organisations, |place, one| {
        organisation(&format!("organisations[{place}]"), one, &mut violations)
    });
    let registers =
        every(registers, |place, one| register(&format!("registers[{place}]"), one, &mut violations));
    let outsourcing =
        every(outsourcing, |place, one| relation(&format!("outsourcing[{place}]"), one, &mut violations));
    let (organisation_places, organisations): (Vec<_>, Vec<_>) = organisations.into_iter().unzip();
    let (register_places, registers): (Vec<_>, Vec<_>) = registers.into_iter().unzip();
    let (_, outsourcing): (Vec<_>, Vec<_>) = outsourcing.into_iter().unzip();
    let is_every_organisation_read = organisation_places.len() == message.organisations.len();
    let built = Directory::build(organisations, registers, outsourcing).map_err(|faults| {
        for mut fault in faults {
            // One that is missing may be one that could not be read.
            if matches!(fault.what, WrongInDirectory::UnknownOrganisation(_)) && !is_every_organisation_read {
                continue;
            }
            fault.place = as_given(fault.place, &organisation_places, &register_places);
            let Violation { field, description } = to_violation(&fault);
            violations.add(field, description);
        }
    });
    violations.finish(built.ok())
}

/// The place in the message of what is at a place among those that could be read.
fn as_given(place: DirectoryPlace, organisations: &[usize], registers: &[usize]) -> DirectoryPlace {
    let given = |places: &[usize], at: usize| places.get(at).copied().unwrap_or(at);
    match place {
        DirectoryPlace::Organisation(at) => DirectoryPlace::Organisation(given(organisations, at)),
        DirectoryPlace::Register(at) => DirectoryPlace::Register(given(registers, at)),
        // `Directory::build` finds no faults in these.
        DirectoryPlace::Outsourcing(at) => DirectoryPlace::Outsourcing(at),
    }
}

/// A fault by its path.
#[must_use]
pub fn to_violation(fault: &DirectoryFault) -> Violation {
    let DirectoryFault { place, field, what } = fault;
    let entry = match place {
        DirectoryPlace::Organisation(place) => format!("organisations[{place}]"),
        DirectoryPlace::Register(place) => format!("registers[{place}]"),
        DirectoryPlace::Outsourcing(place) => format!("outsourcing[{place}]"),
    };
    Violation { field: format!("{entry}.{field}"), description: what.to_string() }
}

/// Writes a directory.
#[must_use]
pub fn to_directory(directory: &Directory) -> v1::Directory {
    v1::Directory {
        organisations: directory.organisations().iter().map(to_organisation).collect(),
        registers: directory.registers().iter().map(to_register).collect(),
        outsourcing: directory.outsourcing().iter().map(to_relation).collect(),
    }
}

/// What can be read of a list, with its places; what cannot has left its violation.
fn every<M, T>(messages: &[M], mut read: impl FnMut(usize, &M) -> Option<T>) -> Vec<(usize, T)> {
    messages.iter().enumerate().filter_map(|(place, message)| Some((place, read(place, message)?))).collect()
}

fn organisation(path: &str, message: &v1::Organisation, violations: &mut Violations) -> Option<Organisation> {
    let v1::Organisation {
        oid,
        name,
        kind,
        uusimaa,
        operates_from,
        successor,
        main_responsibility,
        carries_former_denials,
        name_sv,
        name_en,
    } = message;
    let oid = violations.owned_oid(&format!("{path}.oid"), oid);
    let kind_field = format!("{path}.kind");
    let kind = violations
        .known(&kind_field, *kind)
        .and_then(|kind| organisation_kind(kind, &kind_field, violations));
    let operates_from = violations.optional_day(&format!("{path}.operates_from"), operates_from);
    let successor = violations.optional_oid(&format!("{path}.successor"), successor);
    let connections_field = format!("{path}.main_responsibility");
    let main_responsibility =
        violations.bounded(&connections_field, main_responsibility, CONNECTIONS_MAX).unwrap_or_default();
    let main_responsibility = every(main_responsibility, |place, one| {
        connection(&format!("{path}.main_responsibility[{place}]"), one, violations)
    });
    let name = named(path, [name, name_sv, name_en], violations);
    Some(Organisation {
        oid: oid?,
        name: name?,
        kind: kind?,
        uusimaa: *uusimaa,
        operates_from: operates_from?,
        successor: successor?,
        main_responsibility: main_responsibility.into_iter().map(|(_, connection)| connection).collect(),
        carries_former_denials: *carries_former_denials,
    })
}

fn named(path: &str, [fi, sv, en]: [&str; 3], violations: &mut Violations) -> Option<Name> {
    let fi = violations.text(&format!("{path}.name"), fi);
    let sv = violations.text(&format!("{path}.name_sv"), sv);
    let en = violations.text(&format!("{path}.name_en"), en);
    Some(Name { fi: fi?, sv: sv?, en: en? })
}

fn organisation_kind(
    kind: v1::OrganisationKind,
    field: &str,
    violations: &mut Violations,
) -> Option<OrganisationKind> {
    use v1::OrganisationKind as Wire;
    Some(match kind {
        Wire::Unspecified => return violations.required(field, None),
        Wire::WellbeingServicesCounty => OrganisationKind::WellbeingServicesCounty,
        Wire::CityOfHelsinki => OrganisationKind::CityOfHelsinki,
        Wire::HusGroup => OrganisationKind::HusGroup,
        Wire::StateHealthcare => OrganisationKind::StateHealthcare,
        Wire::DefenceForcesHealthcare => OrganisationKind::DefenceForcesHealthcare,
        Wire::StateSocialWelfare => OrganisationKind::StateSocialWelfare,
        Wire::Private => OrganisationKind::Private,
        Wire::FormerPublic => OrganisationKind::FormerPublic,
        Wire::KantaServices => OrganisationKind::KantaServices,
    })
}

fn connection(
    path: &str,
    message: &v1::MainResponsibility,
    violations: &mut Violations,
) -> Option<MainResponsibility> {
    let v1::MainResponsibility { provider, notified, valid_from, valid_until } = message;
    let provider = violations.owned_oid(&format!("{path}.provider"), provider);
    let from = violations.optional_day(&format!("{path}.valid_from"), valid_from);
    let until = violations.optional_day(&format!("{path}.valid_until"), valid_until);
    Some(MainResponsibility { provider: provider?, notified: *notified, from: from?, until: until? })
}

fn register(path: &str, message: &v1::Register, violations: &mut Violations) -> Option<Register> {
    let v1::Register {
        oid,
        name,
        controller,
        kind,
        joined_kanta_on,
        shares_within_sector_from,
        retrieves_across_sectors_from,
        retrieves_prescriptions_from,
        stores_declarations_from,
        name_sv,
        name_en,
    } = message;
    let oid = violations.owned_oid(&format!("{path}.oid"), oid);
    let controller = violations.owned_oid(&format!("{path}.controller"), controller);
    let kind_field = format!("{path}.kind");
    let kind =
        violations.known(&kind_field, *kind).and_then(|kind| register_kind(kind, &kind_field, violations));
    let mut day = |field: &str, text: &str| violations.optional_day(&format!("{path}.{field}"), text);
    let joined_kanta_on = day("joined_kanta_on", joined_kanta_on);
    let shares_within_sector_from = day("shares_within_sector_from", shares_within_sector_from);
    let retrieves_across_sectors_from = day("retrieves_across_sectors_from", retrieves_across_sectors_from);
    let retrieves_prescriptions_from = day("retrieves_prescriptions_from", retrieves_prescriptions_from);
    let stores_declarations_from = day("stores_declarations_from", stores_declarations_from);
    let name = named(path, [name, name_sv, name_en], violations);
    Some(Register {
        oid: oid?,
        name: name?,
        controller: controller?,
        kind: kind?,
        joined_kanta_on: joined_kanta_on?,
        shares_within_sector_from: shares_within_sector_from?,
        retrieves_across_sectors_from: retrieves_across_sectors_from?,
        retrieves_prescriptions_from: retrieves_prescriptions_from?,
        stores_declarations_from: stores_declarations_from?,
    })
}

fn register_kind(kind: v1::RegisterKind, field: &str, violations: &mut Violations) -> Option<RegisterKind> {
    use v1::RegisterKind as Wire;
    Some(match kind {
        Wire::Unspecified => return violations.required(field, None),
        Wire::PublicHealthcare => RegisterKind::PublicHealthcare,
        Wire::PublicOccupational => RegisterKind::PublicOccupational,
        Wire::PrivateHealthcare => RegisterKind::PrivateHealthcare,
        Wire::PrivateOccupational => RegisterKind::PrivateOccupational,
        Wire::SocialWelfare => RegisterKind::SocialWelfare,
        Wire::WellbeingData => RegisterKind::WellbeingData,
    })
}

fn relation(path: &str, message: &v1::Outsourcing, violations: &mut Violations) -> Option<Outsourcing> {
    let v1::Outsourcing { organiser_register, producer, valid_from, valid_until } = message;
    let organiser_register = violations.owned_oid(&format!("{path}.organiser_register"), organiser_register);
    let producer = violations.owned_oid(&format!("{path}.producer"), producer);
    let from = violations.optional_day(&format!("{path}.valid_from"), valid_from);
    let until = violations.optional_day(&format!("{path}.valid_until"), valid_until);
    Some(Outsourcing {
        organiser_register: organiser_register?,
        producer: producer?,
        from: from?,
        until: until?,
    })
}

fn to_organisation(organisation: &Organisation) -> v1::Organisation {
    let Organisation {
        oid,
        name: Name { fi, sv, en },
        kind,
        uusimaa,
        operates_from,
        successor,
        main_responsibility,
        carries_former_denials,
    } = organisation;
    let kind = match kind {
        OrganisationKind::WellbeingServicesCounty => v1::OrganisationKind::WellbeingServicesCounty,
        OrganisationKind::CityOfHelsinki => v1::OrganisationKind::CityOfHelsinki,
        OrganisationKind::HusGroup => v1::OrganisationKind::HusGroup,
        OrganisationKind::StateHealthcare => v1::OrganisationKind::StateHealthcare,
        OrganisationKind::DefenceForcesHealthcare => v1::OrganisationKind::DefenceForcesHealthcare,
        OrganisationKind::StateSocialWelfare => v1::OrganisationKind::StateSocialWelfare,
        OrganisationKind::Private => v1::OrganisationKind::Private,
        OrganisationKind::FormerPublic => v1::OrganisationKind::FormerPublic,
        OrganisationKind::KantaServices => v1::OrganisationKind::KantaServices,
    };
    v1::Organisation {
        oid: oid.to_string(),
        name: fi.to_string(),
        kind: kind.into(),
        uusimaa: *uusimaa,
        operates_from: text(operates_from.as_ref()),
        successor: text(successor.as_ref()),
        main_responsibility: main_responsibility.iter().map(to_connection).collect(),
        carries_former_denials: *carries_former_denials,
        name_sv: sv.to_string(),
        name_en: en.to_string(),
    }
}

fn to_connection(connection: &MainResponsibility) -> v1::MainResponsibility {
    let MainResponsibility { provider, notified, from, until } = connection;
    v1::MainResponsibility {
        provider: provider.to_string(),
        notified: *notified,
        valid_from: text(from.as_ref()),
        valid_until: text(until.as_ref()),
    }
}

fn to_register(register: &Register) -> v1::Register {
    let Register {
        oid,
        name: Name { fi, sv, en },
        controller,
        kind,
        joined_kanta_on,
        shares_within_sector_from,
        retrieves_across_sectors_from,
        retrieves_prescriptions_from,
        stores_declarations_from,
    } = register;
    v1::Register {
        oid: oid.to_string(),
        name: fi.to_string(),
        controller: controller.to_string(),
        kind: to_register_kind(*kind).into(),
        joined_kanta_on: text(joined_kanta_on.as_ref()),
        shares_within_sector_from: text(shares_within_sector_from.as_ref()),
        retrieves_across_sectors_from: text(retrieves_across_sectors_from.as_ref()),
        retrieves_prescriptions_from: text(retrieves_prescriptions_from.as_ref()),
        stores_declarations_from: text(stores_declarations_from.as_ref()),
        name_sv: sv.to_string(),
        name_en: en.to_string(),
    }
}

pub(super) fn to_register_kind(kind: RegisterKind) -> v1::RegisterKind {
    match kind {
        RegisterKind::PublicHealthcare => v1::RegisterKind::PublicHealthcare,
        RegisterKind::PublicOccupational => v1::RegisterKind::PublicOccupational,
        RegisterKind::PrivateHealthcare => v1::RegisterKind::PrivateHealthcare,
        RegisterKind::PrivateOccupational => v1::RegisterKind::PrivateOccupational,
        RegisterKind::SocialWelfare => v1::RegisterKind::SocialWelfare,
        RegisterKind::WellbeingData => v1::RegisterKind::WellbeingData,
    }
}

fn to_relation(relation: &Outsourcing) -> v1::Outsourcing {
    let Outsourcing { organiser_register, producer, from, until } = relation;
    v1::Outsourcing {
        organiser_register: organiser_register.to_string(),
        producer: producer.to_string(),
        valid_from: text(from.as_ref()),
        valid_until: text(until.as_ref()),
    }
}

/// Unset is empty on the wire.
pub(super) fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(oid: &str) -> v1::Organisation {
        let kind = v1::OrganisationKind::WellbeingServicesCounty.into();
        v1::Organisation { oid: oid.to_owned(), kind, ..v1::Organisation::default() }
    }

    fn fields_at_fault(organisations: &[&str]) -> Vec<String> {
        let register = v1::Register {
            oid: "1.2.3".to_owned(),
            controller: "1.2.4".to_owned(),
            kind: v1::RegisterKind::PublicHealthcare.into(),
            ..v1::Register::default()
        };
        let organisations = organisations.iter().map(|oid| organisation(oid)).collect();
        let message = v1::Directory { organisations, registers: vec![register], outsourcing: Vec::new() };
        let read = directory(&message).expect_err("faults");
        read.violations.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn an_organisation_that_may_be_one_that_cannot_be_read_is_not_told_as_missing() {
        assert_eq!(fields_at_fault(&["1.2.5"]), ["registers[0].controller"]);
        assert_eq!(fields_at_fault(&["1.2.5", "x"]), ["organisations[1].oid"]);
        assert_eq!(
            fields_at_fault(&["x", "1.2.5", "1.2.5"]),
            ["organisations[0].oid", "organisations[2].oid"]
        );
    }
}
