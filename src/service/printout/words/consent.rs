//! What a consent says.

use crate::policy::day::Day;
use crate::policy::declaration::{Consent, ConsentKind};
use crate::policy::language::Language;

use super::Words;

impl Words<'_> {
    pub(in super::super) fn consent_heading(&self, kind: &ConsentKind) -> &'static str {
        match kind {
            ConsentKind::Healthcare => self.say(
                "Terveydenhuollon potilastietojen luovutuslupa",
                "Tillstånd för utlämnande av patientuppgifter inom hälso- och sjukvården",
                "Consent to sharing patient data within healthcare",
            ),
            ConsentKind::SocialWelfare => self.say(
                "Sosiaalihuollon asiakastietojen luovutuslupa",
                "Tillstånd för utlämnande av klientuppgifter inom socialvården",
                "Consent to sharing client data within social welfare",
            ),
            ConsentKind::PatientDataToSocialWelfare => self.say(
                "Potilastietojen luovutuslupa sosiaalihuoltoon",
                "Tillstånd för utlämnande av patientuppgifter till socialvården",
                "Consent to sharing patient data with social welfare",
            ),
            ConsentKind::ClientDataToHealthcare => self.say(
                "Sosiaalihuollon asiakastietojen luovutuslupa terveydenhuoltoon",
                "Tillstånd för utlämnande av socialvårdens klientuppgifter till hälso- och sjukvården",
                "Consent to sharing social welfare client data with healthcare",
            ),
            ConsentKind::WellbeingData => self.say(
                "Hyvinvointitietojen luovutuslupa",
                "Tillstånd för utlämnande av uppgifter om välbefinnande",
                "Consent to sharing wellbeing data",
            ),
            ConsentKind::LocalCrossSector { controller: _ } => self.say(
                "Paikallinen luovutuslupa sosiaalihuollon ja terveydenhuollon välillä",
                "Lokalt tillstånd för utlämnande mellan socialvården och hälso- och sjukvården",
                "Local consent to data sharing between social welfare and healthcare",
            ),
            ConsentKind::VerbalPrescription => self.say(
                "Suullinen lupa reseptitietojen luovuttamiseen",
                "Muntligt tillstånd för utlämnande av receptuppgifter",
                "Verbal consent to sharing prescription data",
            ),
        }
    }

    pub(in super::super) fn consent_lines(&self, consent: &Consent, is_for_kanta_only: bool) -> Vec<String> {
        let Consent { kind, allocation } = consent;
        let mut lines = vec![self.consent_allows(kind).to_owned()];
        lines.extend(is_for_kanta_only.then(|| self.kanta_only().to_owned()));
        if let ConsentKind::LocalCrossSector { controller } = kind {
            let label = self.say("Palvelunantaja", "Tjänstetillhandahållare", "Service provider");
            lines.push(format!("{label}: {}", self.organisation(controller)));
        }
        lines.extend(self.allocation_lines(kind, allocation.as_ref()));
        lines
    }

    fn consent_allows(&self, kind: &ConsentKind) -> &'static str {
        match kind {
            ConsentKind::Healthcare => self.say(
                "Lupa sallii, että terveydenhuollon palvelunantajat luovuttavat potilastietojasi \
                 toisilleen ja omien rekisteriensä välillä. Se ei koske reseptejä.",
                "Tillståndet innebär att tjänstetillhandahållare inom hälso- och sjukvården får lämna ut \
                 dina patientuppgifter till varandra och mellan sina egna register. Det gäller inte \
                 recept.",
                "This consent allows healthcare service providers to share your patient data with each \
                 other and between their own registers. It does not cover prescriptions.",
            ),
            ConsentKind::SocialWelfare => self.say(
                "Lupa sallii, että sosiaalihuollon palvelunantajat luovuttavat asiakastietojasi \
                 toisilleen ja omien rekisteriensä välillä.",
                "Tillståndet innebär att tjänstetillhandahållare inom socialvården får lämna ut dina \
                 klientuppgifter till varandra och mellan sina egna register.",
                "This consent allows social welfare service providers to share your client data with \
                 each other and between their own registers.",
            ),
            ConsentKind::PatientDataToSocialWelfare => self.say(
                "Lupa sallii, että potilastietojasi luovutetaan terveydenhuollosta sosiaalihuoltoon.",
                "Tillståndet innebär att dina patientuppgifter får lämnas ut från hälso- och sjukvården \
                 till socialvården.",
                "This consent allows your patient data to be shared by healthcare with social welfare.",
            ),
            ConsentKind::ClientDataToHealthcare => self.say(
                "Lupa sallii, että sosiaalihuollon asiakastietojasi luovutetaan terveydenhuoltoon.",
                "Tillståndet innebär att dina klientuppgifter får lämnas ut från socialvården till \
                 hälso- och sjukvården.",
                "This consent allows your client data to be shared by social welfare with healthcare.",
            ),
            ConsentKind::WellbeingData => self.say(
                "Lupa sallii, että sosiaali- ja terveydenhuollon palvelunantajat käyttävät \
                 hyvinvointitietoja, jotka olet itse tallentanut Kannan Omatietovarantoon.",
                "Tillståndet innebär att tjänstetillhandahållare inom social- och hälsovården får \
                 använda de uppgifter om välbefinnande som du själv har sparat i Datalagret för egna \
                 uppgifter i Kanta.",
                "This consent allows social welfare and healthcare service providers to use the \
                 wellbeing data that you yourself have saved in the Kanta Personal Health Record.",
            ),
            ConsentKind::LocalCrossSector { controller: _ } => self.say(
                "Lupa sallii, että tietojasi luovutetaan saman palvelunantajan sosiaalihuollon ja \
                 terveydenhuollon välillä muuten kuin Kanta-palvelujen kautta.",
                "Tillståndet innebär att dina uppgifter får lämnas ut mellan socialvården och hälso- och \
                 sjukvården hos samma tjänstetillhandahållare på andra sätt än via Kanta-tjänsterna.",
                "This consent allows your data to be shared between the social welfare and healthcare \
                 services of one service provider in other ways than through the Kanta Services.",
            ),
            ConsentKind::VerbalPrescription => self.say(
                "Lupa päättyi, kun asiakastietolaki tuli voimaan.",
                "Tillståndet upphörde när kunduppgiftslagen trädde i kraft.",
                "This consent ended when the Client Data Act came into force.",
            ),
        }
    }

    /// From when a consent opens, if that is to come. Each system joins in its
    /// own time, so that it is the earliest day.
    pub(in super::super) fn opening_lines(
        &self,
        opens_from: Option<Day>,
        prescriptions_from: Option<Day>,
    ) -> Vec<String> {
        let opens = opens_from.map(|day| {
            let day = self.date(day);
            match self.language {
                Language::Fi => format!(
                    "Tietojasi luovutetaan tällä luvalla Kanta-palvelujen kautta aikaisintaan {day} alkaen."
                ),
                Language::Sv => format!(
                    "Uppgifter lämnas ut via Kanta-tjänsterna med stöd av det här tillståndet tidigast från \
                     och med den {day}."
                ),
                Language::En => format!(
                    "Under this consent, data will be shared through the Kanta Services from {day} at the \
                     earliest."
                ),
            }
        });
        let prescriptions = prescriptions_from.map(|day| {
            let day = self.date(day);
            match self.language {
                Language::Fi => format!(
                    "Reseptejäsi luovutetaan tällä luvalla Kanta-palvelujen kautta aikaisintaan {day} alkaen."
                ),
                Language::Sv => format!(
                    "Recept lämnas ut via Kanta-tjänsterna med stöd av det här tillståndet tidigast från \
                     och med den {day}."
                ),
                Language::En => format!(
                    "Under this consent, prescriptions will be shared through the Kanta Services from {day} \
                     at the earliest."
                ),
            }
        });
        opens.into_iter().chain(prescriptions).collect()
    }

    fn kanta_only(&self) -> &'static str {
        self.say(
            "Lupa on aiempaa muotoa ja koskee vain luovuttamista Kanta-palvelujen kautta. Jos annat \
             luvan uudelleen, se koskee myös muuta luovuttamista, esimerkiksi paperilla.",
            "Tillståndet är av äldre slag och gäller bara utlämnande via Kanta-tjänsterna. Om du ger \
             tillståndet på nytt gäller det också utlämnande på andra sätt, till exempel på papper.",
            "This consent is of an older kind and covers only sharing through the Kanta Services. If you \
             give it again, it will also cover sharing in other ways, such as on paper.",
        )
    }
}
