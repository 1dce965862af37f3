//! What a denial says.

use crate::policy::declaration::{Against, Denial, DenialSector, Scope};
use crate::policy::directory::RegisterKind;
use crate::policy::oid::Oid;
use crate::policy::printout::PrintedSector;

use super::Words;

impl Words<'_> {
    pub(in super::super) fn denial_heading(&self, denial: &Denial) -> &'static str {
        match &denial.scope {
            Scope::AllPatientData => self.all_data_heading(denial.sector),
            Scope::ServiceEvent(_) => self.say(
                "Palvelutapahtuman tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter om en servicehändelse",
                "Denial of consent to sharing data about one service event",
            ),
            Scope::Register(register) => self.register_heading(register),
            Scope::Prescription(_) => self.say(
                "Reseptin luovutuskielto",
                "Förbud mot utlämnande av ett recept",
                "Denial of consent to sharing one prescription",
            ),
            Scope::FormerProvider(_) => self.say(
                "Aiemman palvelunantajan tietojen luovutuskielto",
                "Förbud mot utlämnande av en tidigare tjänstetillhandahållares uppgifter",
                "Denial of consent to sharing the data of a former service provider",
            ),
            Scope::ServiceTransaction(_) => self.say(
                "Sosiaalihuollon palvelutapahtuman tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter om en servicehändelse inom socialvården",
                "Denial of consent to sharing data about one service transaction",
            ),
            Scope::Document(_) => self.say(
                "Asiakirjan luovutuskielto",
                "Förbud mot utlämnande av en handling",
                "Denial of consent to sharing one document",
            ),
            Scope::ServiceTask(_) => self.say(
                "Palvelutehtävän tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter om en serviceuppgift",
                "Denial of consent to sharing data about one service task",
            ),
            Scope::Extensive => self.extensive_heading(denial.sector),
        }
    }

    fn all_data_heading(&self, sector: DenialSector) -> &'static str {
        match sector {
            DenialSector::Healthcare => self.say(
                "Kaikkien potilastietojesi luovutuskielto",
                "Förbud mot utlämnande av alla dina patientuppgifter",
                "Denial of consent to sharing all of your patient data",
            ),
            DenialSector::SocialWelfare => self.say(
                "Kaikkien sosiaalihuollon asiakastietojesi luovutuskielto",
                "Förbud mot utlämnande av alla dina klientuppgifter inom socialvården",
                "Denial of consent to sharing all of your social welfare client data",
            ),
            DenialSector::Both => self.say(
                "Kaikkien potilas- ja asiakastietojesi luovutuskielto",
                "Förbud mot utlämnande av alla dina patient- och klientuppgifter",
                "Denial of consent to sharing all of your patient and client data",
            ),
        }
    }

    fn extensive_heading(&self, sector: DenialSector) -> &'static str {
        match sector {
            DenialSector::Healthcare => self.say(
                "Laaja luovutuskielto: kaikki potilastietosi",
                "Omfattande förbud mot utlämnande: alla dina patientuppgifter",
                "Extensive denial of consent to data sharing: all of your patient data",
            ),
            DenialSector::SocialWelfare => self.say(
                "Laaja luovutuskielto: kaikki sosiaalihuollon asiakastietosi",
                "Omfattande förbud mot utlämnande: alla dina klientuppgifter inom socialvården",
                "Extensive denial of consent to data sharing: all of your social welfare client data",
            ),
            DenialSector::Both => self.say(
                "Laaja luovutuskielto: kaikki tietosi",
                "Omfattande förbud mot utlämnande: alla dina uppgifter",
                "Extensive denial of consent to data sharing: all of your data",
            ),
        }
    }

    fn register_heading(&self, register: &Oid<'_>) -> &'static str {
        match self.directory.party(register).map(|party| party.register.kind) {
            Some(RegisterKind::PublicHealthcare | RegisterKind::PrivateHealthcare) => self.say(
                "Terveydenhuollon rekisterin tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter i ett register inom hälso- och sjukvården",
                "Denial of consent to sharing data in a healthcare register",
            ),
            Some(RegisterKind::PublicOccupational | RegisterKind::PrivateOccupational) => self.say(
                "Työterveyshuollon rekisterin tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter i ett register inom företagshälsovården",
                "Denial of consent to sharing data in an occupational healthcare register",
            ),
            Some(RegisterKind::SocialWelfare) => self.say(
                "Sosiaalihuollon rekisterin tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter i ett register inom socialvården",
                "Denial of consent to sharing data in a social welfare register",
            ),
            Some(RegisterKind::WellbeingData) | None => self.say(
                "Rekisterin tietojen luovutuskielto",
                "Förbud mot utlämnande av uppgifter i ett register",
                "Denial of consent to sharing data in one register",
            ),
        }
    }

    /// What it covers, against whom and whether in an emergency. `covers` are
    /// the registers that it covers on the day of printing.
    pub(in super::super) fn denial_lines(&self, denial: &Denial, covers: &[&Oid<'_>]) -> Vec<String> {
        let Denial { sector, scope, against, allows_emergency } = denial;
        let mut lines = Vec::new();
        lines.extend(self.sector_line(*sector));
        lines.extend(self.scope_lines(*sector, scope));
        lines.extend(self.covers_line(scope, covers));
        lines.extend(self.carried_over_line(scope, covers));
        // Only healthcare denials are against someone and give way in an
        // emergency; what others carry is ignored.
        let may_be_limited = *sector == DenialSector::Healthcare && *scope != Scope::Extensive;
        let is_against_all = self.former_provider(scope).is_some() || !may_be_limited;
        lines.extend(self.against_lines(if is_against_all { &[] } else { against }));
        if *sector != DenialSector::SocialWelfare {
            lines.push(self.emergency_line(may_be_limited && *allows_emergency).to_owned());
        }
        lines
    }

    /// The sector of a denial, in a summary of both sectors.
    fn sector_line(&self, sector: DenialSector) -> Option<String> {
        let is_of_both = self.sector == PrintedSector::Both;
        is_of_both.then(|| {
            let line = match sector {
                DenialSector::Healthcare => self.say(
                    "Kielto koskee terveydenhuoltoa.",
                    "Förbudet gäller hälso- och sjukvården.",
                    "This denial concerns healthcare.",
                ),
                DenialSector::SocialWelfare => self.say(
                    "Kielto koskee sosiaalihuoltoa.",
                    "Förbudet gäller socialvården.",
                    "This denial concerns social welfare.",
                ),
                DenialSector::Both => self.say(
                    "Kielto koskee sekä terveydenhuoltoa että sosiaalihuoltoa.",
                    "Förbudet gäller både hälso- och sjukvården och socialvården.",
                    "This denial concerns both healthcare and social welfare.",
                ),
            };
            line.to_owned()
        })
    }

    fn scope_lines(&self, sector: DenialSector, scope: &Scope) -> Vec<String> {
        match scope {
            Scope::AllPatientData => self.all_data_lines(sector),
            Scope::ServiceEvent(id) => {
                let label = self.say("Palvelutapahtuma", "Servicehändelse", "Service event");
                let later = self.say(
                    "Kielto koskee myös palvelutapahtuman myöhempiä kirjauksia.",
                    "Förbudet gäller också senare registreringar om servicehändelsen.",
                    "The denial also covers later entries about the service event.",
                );
                vec![
                    format!("{label}: {}", id.as_str()),
                    later.to_owned(),
                    self.not_prescriptions().to_owned(),
                ]
            }
            Scope::Register(register) => {
                let label = self.say("Rekisteri", "Register", "Register");
                let named = format!("{label}: {}", self.register(register));
                let is_of_former = self.former_provider(scope).is_some();
                [named].into_iter().chain(is_of_former.then(|| self.wherever_held().to_owned())).collect()
            }
            Scope::Prescription(id) => {
                let label = self.say("Resepti", "Recept", "Prescription");
                let across = self.say(
                    "Kielto estää reseptin luovuttamisen myös sosiaalihuoltoon.",
                    "Förbudet hindrar utlämnande av receptet också till socialvården.",
                    "The denial also prevents the prescription from being shared with social welfare.",
                );
                vec![format!("{label}: {}", id.as_str()), across.to_owned()]
            }
            Scope::FormerProvider(provider) => self.former_provider_lines(provider),
            Scope::ServiceTransaction(id) => {
                let label = self.say("Palvelutapahtuma", "Servicehändelse", "Service transaction");
                vec![format!("{label}: {}", id.as_str())]
            }
            Scope::Document(id) => {
                vec![format!("{}: {}", self.say("Asiakirja", "Handling", "Document"), id.as_str())]
            }
            Scope::ServiceTask(code) => {
                let label = self.say("Palvelutehtävä", "Serviceuppgift", "Service task");
                vec![format!("{label}: {}", code.as_str())]
            }
            Scope::Extensive => self.extensive_lines(sector).iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn all_data_lines(&self, sector: DenialSector) -> Vec<String> {
        if sector == DenialSector::SocialWelfare {
            return Vec::new();
        }
        let not = self.say(
            "Kielto ei koske reseptejä eikä hyvinvointitietoja, jotka olet itse tallentanut.",
            "Förbudet gäller inte recept och inte heller uppgifter om välbefinnande som du själv har \
             sparat.",
            "The denial does not cover prescriptions or the wellbeing data that you yourself have saved.",
        );
        vec![not.to_owned()]
    }

    fn extensive_lines(&self, sector: DenialSector) -> Vec<&'static str> {
        match sector {
            DenialSector::Healthcare => vec![self.say(
                "Kielto koskee kaikkia potilastietojasi terveydenhuollossa, myös reseptejä.",
                "Förbudet gäller alla dina patientuppgifter inom hälso- och sjukvården, även recept.",
                "The denial covers all of your patient data in healthcare, including prescriptions.",
            )],
            DenialSector::SocialWelfare => vec![self.say(
                "Kielto koskee kaikkia asiakastietojasi sosiaalihuollossa. Se ei koske potilastietojasi.",
                "Förbudet gäller alla dina klientuppgifter inom socialvården. Det gäller inte dina \
                 patientuppgifter.",
                "The denial covers all of your client data in social welfare. It does not cover your patient \
                 data.",
            )],
            DenialSector::Both => vec![
                self.say(
                    "Kielto koskee kaikkia potilas- ja asiakastietojasi sekä terveydenhuollossa että \
                     sosiaalihuollossa, myös reseptejä ja hyvinvointitietoja, jotka olet itse tallentanut.",
                    "Förbudet gäller alla dina patient- och klientuppgifter både inom hälso- och \
                     sjukvården och inom socialvården, även recept och uppgifter om välbefinnande som du \
                     själv har sparat.",
                    "The denial covers all of your patient and client data in both healthcare and social \
                     welfare, including prescriptions and the wellbeing data that you yourself have saved.",
                ),
                self.say(
                    "Kielto estää tietojen luovuttamisen myös terveydenhuollon ja sosiaalihuollon välillä.",
                    "Förbudet hindrar utlämnande av uppgifter också mellan hälso- och sjukvården och \
                     socialvården.",
                    "The denial also prevents the sharing of data between healthcare and social welfare.",
                ),
            ],
        }
    }

    fn former_provider_lines(&self, provider: &Oid<'_>) -> Vec<String> {
        let label = self.say("Palvelunantaja", "Tjänstetillhandahållare", "Service provider");
        let successor = self.say(
            "Kielto ei estä sitä hyvinvointialuetta, johon palvelunantaja on yhdistynyt, käyttämästä \
             tietoja terveydenhuollossaan.",
            "Förbudet hindrar inte det välfärdsområde som tjänstetillhandahållaren har gått upp i från \
             att använda uppgifterna inom sin hälso- och sjukvård.",
            "The denial does not prevent the wellbeing services county that the service provider became \
             part of from using the data in its healthcare services.",
        );
        let named = format!("{label}: {}", self.organisation(provider));
        vec![named, self.wherever_held().to_owned(), successor.to_owned()]
    }

    fn not_prescriptions(&self) -> &'static str {
        self.say(
            "Kielto ei koske reseptejä.",
            "Förbudet gäller inte recept.",
            "The denial does not cover prescriptions.",
        )
    }

    /// Against whom; none = all.
    fn against_lines(&self, against: &[Against]) -> Vec<String> {
        if against.is_empty() {
            let all = self.say(
                "Tietoja ei luovuteta muille palvelunantajille eikä saman palvelunantajan muihin \
                 rekistereihin.",
                "Uppgifterna lämnas inte ut till andra tjänstetillhandahållare och inte heller till \
                 samma tjänstetillhandahållares andra register.",
                "The data is not shared with other service providers or with other registers of the same \
                 service provider.",
            );
            return vec![all.to_owned()];
        }
        against.iter().map(|against| self.against_line(*against).to_owned()).collect()
    }

    fn against_line(&self, against: Against) -> &'static str {
        match against {
            Against::OtherProviders => self.say(
                "Tietoja ei luovuteta muille palvelunantajille.",
                "Uppgifterna lämnas inte ut till andra tjänstetillhandahållare.",
                "The data is not shared with other service providers.",
            ),
            Against::OwnOtherRegisters => self.say(
                "Tietoja ei luovuteta saman palvelunantajan muihin rekistereihin.",
                "Uppgifterna lämnas inte ut till samma tjänstetillhandahållares andra register.",
                "The data is not shared with other registers of the same service provider.",
            ),
            Against::UusimaaPublicHealthcare => self.say(
                "Tietoja ei luovuteta Uudenmaan julkisen terveydenhuollon sisällä.",
                "Uppgifterna lämnas inte ut inom den offentliga hälso- och sjukvården i Nyland.",
                "The data is not shared within public healthcare in Uusimaa.",
            ),
        }
    }

    fn emergency_line(&self, allows: bool) -> &'static str {
        if allows {
            self.say(
                "Hätätilanteessa tiedot saa luovuttaa, jos olet tajuton tai sinulta ei voida kysyä \
                 jostain muusta syystä.",
                "I en nödsituation får uppgifterna lämnas ut, om du är medvetslös eller om man av någon \
                 annan orsak inte kan fråga dig.",
                "In an emergency the data may be shared if you are unconscious or cannot be asked for \
                 another reason.",
            )
        } else {
            self.say(
                "Tietoja ei luovuteta hätätilanteessakaan.",
                "Uppgifterna lämnas inte ut ens i en nödsituation.",
                "The data is not shared even in an emergency.",
            )
        }
    }
}
