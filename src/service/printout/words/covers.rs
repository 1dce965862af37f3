//! Which registers a denial covers on the day, and where it follows data that
//! moved when service providers merged.

use crate::policy::declaration::Scope;
use crate::policy::directory::OrganisationKind;
use crate::policy::language::Language;
use crate::policy::oid::Oid;

use super::Words;

/// Maximum number of registers named in the line on what a denial covers.
const COVERED_NAMES_MAX: usize = 10;

impl Words<'_> {
    /// The registers that a denial of a register or of a former provider covers
    /// today, if they are more than the one named (002: whether an old denial
    /// applies to the county's data file can be checked).
    pub(super) fn covers_line(&self, scope: &Scope, covers: &[&Oid<'_>]) -> Option<String> {
        let is_more = match scope {
            Scope::Register(register) => covers.iter().any(|covered| *covered != register),
            Scope::FormerProvider(_) => !covers.is_empty(),
            Scope::AllPatientData
            | Scope::ServiceEvent(_)
            | Scope::Prescription(_)
            | Scope::ServiceTransaction(_)
            | Scope::Document(_)
            | Scope::ServiceTask(_)
            | Scope::Extensive => false,
        };
        is_more.then(|| {
            let label = if covers.len() == 1 {
                self.say(
                    "Tulostuspäivänä kielto koskee kaikkia tietoja tässä rekisterissä",
                    "På utskriftsdagen gäller förbudet alla uppgifter i detta register",
                    "On the day of printing the denial covers all of the data in this register",
                )
            } else {
                self.say(
                    "Tulostuspäivänä kielto koskee kaikkia tietoja näissä rekistereissä",
                    "På utskriftsdagen gäller förbudet alla uppgifter i dessa register",
                    "On the day of printing the denial covers all of the data in these registers",
                )
            };
            let named: Vec<_> =
                covers.iter().take(COVERED_NAMES_MAX).map(|register| self.register(register)).collect();
            let more = covers.len().saturating_sub(COVERED_NAMES_MAX);
            format!("{label}: {}{}", named.join("; "), self.and_more(more))
        })
    }

    /// A denial of a former provider that was carried over to the successor's
    /// own files is there against other controllers only (002).
    pub(super) fn carried_over_line(&self, scope: &Scope, covers: &[&Oid<'_>]) -> Option<String> {
        let provider = self.former_provider(scope)?;
        let is_of_another = |register: &&Oid<'_>| {
            self.directory.party(register).is_some_and(|party| party.controller.oid != *provider)
        };
        covers.iter().any(is_of_another).then(|| {
            self.say(
                "Hyvinvointialueen omien rekisterien osalta kielto estää tietojen luovuttamisen vain muille \
                 palvelunantajille.",
                "När det gäller välfärdsområdets egna register hindrar förbudet utlämnande bara till andra \
                 tjänstetillhandahållare.",
                "For the registers of the wellbeing services county itself, the denial prevents sharing only \
                 with other service providers.",
            )
            .to_owned()
        })
    }

    fn and_more(&self, more: usize) -> String {
        match (more, self.language) {
            (0, _) => String::new(),
            (more, Language::Fi) => format!(" ja {more} muuta"),
            (more, Language::Sv) => format!(" och {more} till"),
            (more, Language::En) => format!(" and {more} more"),
        }
    }

    /// A denial of a former provider follows its data into the successor's file.
    pub(super) fn wherever_held(&self) -> &'static str {
        self.say(
            "Kielto koskee palvelunantajan tietoja myös silloin, kun ne ovat nykyisin hyvinvointialueen \
             rekisterissä.",
            "Förbudet gäller tjänstetillhandahållarens uppgifter också när de numera finns i \
             välfärdsområdets register.",
            "The denial covers the data of the service provider also where it is now held in the register \
             of the wellbeing services county.",
        )
    }

    /// The former provider whose data a denial covers: named by it, or the
    /// controller of the register that it names.
    pub(super) fn former_provider<'o>(&'o self, scope: &'o Scope) -> Option<&'o Oid<'static>> {
        match scope {
            Scope::FormerProvider(provider) => Some(provider),
            Scope::Register(register) => {
                let controller = self.directory.party(register)?.controller;
                (controller.kind == OrganisationKind::FormerPublic).then_some(&controller.oid)
            }
            Scope::AllPatientData
            | Scope::ServiceEvent(_)
            | Scope::Prescription(_)
            | Scope::ServiceTransaction(_)
            | Scope::Document(_)
            | Scope::ServiceTask(_)
            | Scope::Extensive => None,
        }
    }
}
