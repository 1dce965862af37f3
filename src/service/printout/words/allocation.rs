//! What a consent is limited to (004).

use crate::policy::declaration::{Allocation, ConsentKind, DataKind, Recipient};
use crate::policy::directory::OrganisationKind;
use crate::policy::language::Language;

use super::Words;

impl Words<'_> {
    /// A dimension that limits nothing is said to be whole where the kind of
    /// consent may be limited in it.
    pub(super) fn allocation_lines(
        &self,
        kind: &ConsentKind,
        allocation: Option<&Allocation>,
    ) -> Vec<String> {
        [
            self.recipients_line(kind, allocation),
            self.data_line(kind, allocation),
            self.tasks_line(kind, allocation),
            allocation.and_then(|allocation| self.period_line(allocation)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn recipients_line(&self, kind: &ConsentKind, allocation: Option<&Allocation>) -> Option<String> {
        let label = self.say("Saajat", "Mottagare", "Recipients");
        let recipients = allocation.map(|allocation| &*allocation.recipients).unwrap_or_default();
        let all = match kind {
            ConsentKind::PatientDataToSocialWelfare => Some(self.say(
                "kaikki sosiaalihuollon palvelunantajat",
                "alla tjänstetillhandahållare inom socialvården",
                "all social welfare service providers",
            )),
            ConsentKind::ClientDataToHealthcare => Some(self.say(
                "kaikki terveydenhuollon palvelunantajat",
                "alla tjänstetillhandahållare inom hälso- och sjukvården",
                "all healthcare service providers",
            )),
            ConsentKind::Healthcare
            | ConsentKind::SocialWelfare
            | ConsentKind::WellbeingData
            | ConsentKind::LocalCrossSector { .. }
            | ConsentKind::VerbalPrescription => None,
        };
        list(label, recipients.iter().map(|recipient| self.recipient(kind, recipient)), all)
    }

    fn recipient(&self, kind: &ConsentKind, recipient: &Recipient) -> String {
        match recipient {
            Recipient::AllPublic => self.all_public(kind).to_owned(),
            Recipient::Organisation(oid) => {
                let name = self.organisation(oid);
                let is_private = self
                    .directory
                    .organisation(oid)
                    .is_some_and(|organisation| organisation.kind == OrganisationKind::Private);
                if !is_private {
                    return name;
                }
                match self.language {
                    Language::Fi => format!("{name} ja sen yhteydessä toimivat palvelunantajat"),
                    Language::Sv => {
                        format!("{name} och tjänstetillhandahållare som är verksamma i anslutning till denna")
                    }
                    Language::En => format!("{name} and service providers operating in connection with it"),
                }
            }
        }
    }

    fn all_public(&self, kind: &ConsentKind) -> &'static str {
        match kind {
            ConsentKind::PatientDataToSocialWelfare => self.say(
                "kaikkien hyvinvointialueiden ja Helsingin kaupungin järjestämä sosiaalihuolto",
                "den socialvård som alla välfärdsområden och Helsingfors stad ordnar",
                "social welfare services organised by all wellbeing services counties and the City of \
                 Helsinki",
            ),
            ConsentKind::ClientDataToHealthcare => self.say(
                "kaikkien hyvinvointialueiden, Helsingin kaupungin ja HUS-yhtymän terveydenhuolto",
                "hälso- och sjukvården i alla välfärdsområden, Helsingfors stad och HUS-sammanslutningen",
                "healthcare services provided by all wellbeing services counties, the City of Helsinki \
                 and the HUS Group",
            ),
            ConsentKind::Healthcare
            | ConsentKind::SocialWelfare
            | ConsentKind::WellbeingData
            | ConsentKind::LocalCrossSector { .. }
            | ConsentKind::VerbalPrescription => self.say(
                "kaikki julkiset palvelunantajat",
                "alla offentliga tjänstetillhandahållare",
                "all public service providers",
            ),
        }
    }

    fn data_line(&self, kind: &ConsentKind, allocation: Option<&Allocation>) -> Option<String> {
        let label =
            self.say("Luovutettavat tiedot", "Uppgifter som får lämnas ut", "Data that may be shared");
        let data = allocation.map(|allocation| &*allocation.data).unwrap_or_default();
        let all = (*kind == ConsentKind::PatientDataToSocialWelfare).then(|| {
            self.say(
                "kaikki potilastietosi, myös reseptit",
                "alla dina patientuppgifter, även recept",
                "all of your patient data, including prescriptions",
            )
        });
        list(label, data.iter().map(|kind| self.data_kind(*kind).to_owned()), all)
    }

    fn data_kind(&self, kind: DataKind) -> &'static str {
        match kind {
            DataKind::PatientSummary => {
                self.say("potilasyhteenvedot", "patientsammandrag", "patient summaries")
            }
            DataKind::ServiceEventEntry => self.say(
                "kaikki palvelutapahtumien kirjaukset",
                "alla registreringar om servicehändelser",
                "all entries about service events",
            ),
            DataKind::StatementOrCertificate => {
                self.say("lausunnot ja todistukset", "utlåtanden och intyg", "statements and certificates")
            }
            DataKind::Prescription => self.say("reseptit", "recept", "prescriptions"),
        }
    }

    fn tasks_line(&self, kind: &ConsentKind, allocation: Option<&Allocation>) -> Option<String> {
        let tasks = allocation.map(|allocation| &*allocation.service_tasks).unwrap_or_default();
        let label = self.say(
            "Sosiaalihuollon palvelutehtävät",
            "Socialvårdens serviceuppgifter",
            "Social welfare service tasks",
        );
        let all = (*kind == ConsentKind::ClientDataToHealthcare).then(|| self.say("kaikki", "alla", "all"));
        list(label, tasks.iter().map(|task| task.as_str().to_owned()), all)
    }

    fn period_line(&self, allocation: &Allocation) -> Option<String> {
        let first = allocation.recorded_from.map(|day| self.date(day));
        let last = allocation.recorded_to.map(|day| self.date(day));
        let line = match (self.language, first, last) {
            (_, None, None) => return None,
            (Language::Fi, Some(first), Some(last)) => {
                format!("Lupa koskee tietoja, jotka on kirjattu {first}–{last}.")
            }
            (Language::Fi, Some(first), None) => {
                format!("Lupa koskee tietoja, jotka on kirjattu {first} tai sen jälkeen.")
            }
            (Language::Fi, None, Some(last)) => {
                format!("Lupa koskee tietoja, jotka on kirjattu {last} tai sitä ennen.")
            }
            (Language::Sv, Some(first), Some(last)) => {
                format!("Tillståndet gäller uppgifter som har registrerats under tiden {first}–{last}.")
            }
            (Language::Sv, Some(first), None) => {
                format!("Tillståndet gäller uppgifter som har registrerats den {first} eller senare.")
            }
            (Language::Sv, None, Some(last)) => {
                format!("Tillståndet gäller uppgifter som har registrerats den {last} eller tidigare.")
            }
            (Language::En, Some(first), Some(last)) => {
                format!("The consent covers data recorded from {first} to {last}, both days included.")
            }
            (Language::En, Some(first), None) => {
                format!("The consent covers data recorded on {first} or later.")
            }
            (Language::En, None, Some(last)) => {
                format!("The consent covers data recorded on {last} or earlier.")
            }
        };
        Some(line)
    }
}

/// A label and its values, or what is said when there are none.
fn list(label: &str, values: impl Iterator<Item = String>, all: Option<&str>) -> Option<String> {
    let values: Vec<_> = values.collect();
    if values.is_empty() {
        all.map(|all| format!("{label}: {all}"))
    } else {
        Some(format!("{label}: {}", values.join("; ")))
    }
}
