//! The citizen's own wellbeing data.

use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    Against, AllPatientData, Channel, ConsentKind, Extensive, RecordKind, RegisterKind, Role, Sector,
};

use super::world::{DOCUMENT, case, consent, denial, find, information, register, withdrawn};
use super::{exhaust, noon};

#[test]
fn of_wellbeing_data() {
    exhaust("wellbeing data", 46_656, |choices| {
        let requester = choices.of(&[
            ("county", RegisterKind::PublicHealthcare),
            ("private", RegisterKind::PrivateOccupational),
            ("state-social", RegisterKind::SocialWelfare),
        ]);
        let holder = ("kanta", RegisterKind::WellbeingData);
        let joined = choices.of(&["2015-01-01", "2026-01-02", ""]);
        let at = noon(choices.of(&["2025-12-31", "2026-01-01", "2026-01-02"]));
        let mut case = case(requester, holder, RecordKind::WellbeingData, at);
        joined.clone_into(&mut find(&mut case.directory, requester).joined_kanta_on);
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        let version = choices.of(&["", "earlier-law", "1.0", "2.0"]);
        if !version.is_empty() {
            case.declarations.push(information(version, noon("2025-07-01")));
        }
        let given = choices.of(&["none", "before it", "after it", "withdrawn"]);
        let consent = |day| consent(ConsentKind::WellbeingData, noon(day));
        match given {
            "before it" => case.declarations.push(consent("2025-06-30")),
            "after it" => case.declarations.push(consent("2025-07-02")),
            "withdrawn" => {
                case.declarations.push(withdrawn(consent("2025-07-02"), at, Role::Client));
            }
            _ => {}
        }
        let scope = choices.of(&[
            None,
            Some(Scope::AllPatientData(AllPatientData {})),
            Some(Scope::Extensive(Extensive {})),
            Some(Scope::Register(register(holder))),
            Some(Scope::Document(DOCUMENT.to_owned())),
            Some(Scope::ServiceTask("0101".to_owned())),
        ]);
        let sector = choices.of(&[Sector::Healthcare, Sector::SocialWelfare, Sector::Both]);
        let against = choices.of(&[&[][..], &[Against::OwnOtherRegisters]]);
        if let Some(scope) = scope {
            case.declarations.push(denial(sector, scope, against, true, noon("2025-07-03")));
        }
        case
    });
}
