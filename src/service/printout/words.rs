//! The words of a printout, side by side in Finnish, Swedish and English, as
//! kanta.fi uses them towards clients.

mod allocation;
mod consent;
mod covers;
mod declared;
mod denial;

use chrono::NaiveDate;

use crate::policy::client_id::ClientId;
use crate::policy::day::Day;
use crate::policy::directory::{Directory, Sector};
use crate::policy::oid::Oid;
use crate::policy::printout::{PrintedDocument, PrintedSector};

use crate::policy::language::Language;

/// Finds the words for one printout.
pub(super) struct Words<'d> {
    pub(super) language: Language,
    pub(super) directory: &'d Directory,
    /// The sector of the printout.
    pub(super) sector: PrintedSector,
}

impl Words<'_> {
    pub(super) fn title(&self, document: PrintedDocument) -> String {
        let document = match document {
            PrintedDocument::Denials if self.sector == PrintedSector::Both => self.say(
                "Yhteenveto kaikista luovutuskielloistasi",
                "Sammanfattning av alla dina förbud mot utlämnande",
                "Summary of all of your denials of consent to data sharing",
            ),
            PrintedDocument::Consents => self.say(
                "Jäljennös luovutusluvistasi",
                "Kopia av dina tillstånd för utlämnande",
                "Copy of your consents to data sharing",
            ),
            PrintedDocument::Denials => self.say(
                "Yhteenveto luovutuskielloistasi",
                "Sammanfattning av dina förbud mot utlämnande",
                "Summary of your denials of consent to data sharing",
            ),
        };
        let sector = match self.sector {
            PrintedSector::One(Sector::Healthcare) => {
                self.say("terveydenhuolto", "hälso- och sjukvården", "healthcare")
            }
            PrintedSector::One(Sector::SocialWelfare) => {
                self.say("sosiaalihuolto", "socialvården", "social welfare")
            }
            PrintedSector::Both => self.say(
                "terveydenhuolto ja sosiaalihuolto",
                "hälso- och sjukvården samt socialvården",
                "healthcare and social welfare",
            ),
        };
        format!("{document}: {sector}")
    }

    pub(super) fn client_label(&self, client: &ClientId) -> &'static str {
        match client {
            ClientId::National(_) => self.say("Henkilötunnus", "Personbeteckning", "Personal identity code"),
            ClientId::Other { .. } => self.say("Asiakastunnus", "Klientbeteckning", "Client identifier"),
        }
    }

    pub(super) fn printed_on_label(&self) -> &'static str {
        self.say("Tulostuspäivä", "Utskriftsdag", "Printed on")
    }

    pub(super) fn note_label(&self) -> &'static str {
        self.say("Huomaa", "Observera", "Note")
    }

    /// What the document is.
    pub(super) fn explanation(&self, document: PrintedDocument) -> String {
        let inside = self.in_sector();
        // One summary of both sectors lists them all.
        let is_of_both = self.sector == PrintedSector::Both;
        match (document, self.language) {
            (PrintedDocument::Consents, Language::Fi) => format!(
                "Tässä jäljennöksessä ovat luovutuslupasi {inside} tulostuspäivänä. Luovutusluvalla sallit, \
                 että tietojasi käytetään myös muualla kuin siellä, missä ne on kirjattu."
            ),
            (PrintedDocument::Consents, Language::Sv) => format!(
                "Den här kopian visar dina tillstånd för utlämnande {inside} på utskriftsdagen. Genom ett \
                 tillstånd för utlämnande tillåter du att dina uppgifter används också på andra ställen än \
                 där de har registrerats."
            ),
            (PrintedDocument::Consents, Language::En) => format!(
                "This copy shows your consents to data sharing {inside} on the day of printing. By giving \
                 consent to data sharing, you allow your data to be used in other places than where it was \
                 recorded."
            ),
            (PrintedDocument::Denials, Language::Fi) => format!(
                "Tässä yhteenvedossa ovat {} {inside} tulostuspäivänä. \
                 Kiellon kohteena olevia tietoja ei luovuteta, vaikka olisit antanut luovutusluvan. \
                 Joissakin laissa säädetyissä tilanteissa tietoja saa käyttää kiellosta huolimatta. Kiellot \
                 eivät yleensä rajoita tietojen luovuttamista terveydenhuollon ja sosiaalihuollon välillä: \
                 se riippuu siihen antamistasi luvista.",
                if is_of_both {
                    "kaikki luovutuskieltosi, jotka ovat voimassa"
                } else {
                    "luovutuskieltosi, jotka ovat voimassa"
                }
            ),
            (PrintedDocument::Denials, Language::Sv) => format!(
                "Den här sammanfattningen visar {} förbud mot utlämnande som du har i kraft {inside} på \
                 utskriftsdagen. Uppgifter som omfattas av ett förbud lämnas inte ut, även om du har gett \
                 tillstånd för utlämnande. I vissa situationer som anges i lag får uppgifter användas \
                 trots ett förbud. Förbuden begränsar i regel inte utlämnandet av uppgifter mellan hälso- \
                 och sjukvården och socialvården: det beror på de tillstånd som du har gett till det.",
                if is_of_both { "alla" } else { "de" }
            ),
            (PrintedDocument::Denials, Language::En) => format!(
                "This summary lists {} denials of consent to data sharing that are in force {inside} on \
                 the day of printing. Data covered by a denial is not shared, even if you have given \
                 consent to data sharing. In some situations laid down by law, data may be used despite a \
                 denial. As a rule, denials do not restrict the sharing of data between healthcare and \
                 social welfare: that depends on the consents that you have given to it.",
                if is_of_both { "all of your" } else { "your" }
            ),
        }
    }

    /// How the client changes what they have declared.
    pub(super) fn what_to_do(&self, document: PrintedDocument) -> String {
        if (document, self.sector) == (PrintedDocument::Denials, PrintedSector::Both) {
            return self.where_to_change_denials().to_owned();
        }
        let here = self.in_mykanta_or_sector();
        match (document, self.language) {
            (PrintedDocument::Consents, Language::Fi) => {
                format!("Voit antaa uuden luvan tai peruuttaa luvan {here}.")
            }
            (PrintedDocument::Consents, Language::Sv) => {
                format!("Du kan ge ett nytt tillstånd eller återkalla ett tillstånd {here}.")
            }
            (PrintedDocument::Consents, Language::En) => {
                format!("You can give a new consent or withdraw a consent {here}.")
            }
            (PrintedDocument::Denials, Language::Fi) => {
                format!("Voit asettaa uuden kiellon tai peruuttaa kiellon {here}.")
            }
            (PrintedDocument::Denials, Language::Sv) => {
                format!("Du kan meddela ett nytt förbud eller återkalla ett förbud {here}.")
            }
            (PrintedDocument::Denials, Language::En) => {
                format!("You can set a new denial or withdraw a denial {here}.")
            }
        }
    }

    /// A professional changes the denials of the own sector only (002, 003).
    fn where_to_change_denials(&self) -> &'static str {
        self.say(
            "Voit asettaa uuden kiellon tai peruuttaa kiellon OmaKannassa. Terveydenhuollon kieltoja voit \
             muuttaa myös asioidessasi terveydenhuollossa ja sosiaalihuollon kieltoja asioidessasi \
             sosiaalihuollossa.",
            "Du kan meddela ett nytt förbud eller återkalla ett förbud i MittKanta. Förbud inom hälso- och \
             sjukvården kan du också ändra när du uträttar ärenden inom hälso- och sjukvården, och förbud \
             inom socialvården när du uträttar ärenden inom socialvården.",
            "You can set a new denial or withdraw a denial in MyKanta. You can also change denials in \
             healthcare when you use healthcare services, and denials in social welfare when you use social \
             welfare services.",
        )
    }

    /// Said when nothing is listed.
    pub(super) fn none(&self, document: PrintedDocument) -> String {
        let inside = if self.sector == PrintedSector::Both {
            self.say(
                "terveydenhuollossa eikä sosiaalihuollossa",
                "vare sig inom hälso- och sjukvården eller inom socialvården",
                "in healthcare or in social welfare",
            )
        } else {
            self.in_sector()
        };
        let none = match document {
            PrintedDocument::Consents => self.say(
                "Sinulla ei ole voimassa olevia luovutuslupia",
                "Du har inga tillstånd för utlämnande i kraft",
                "You have no consents to data sharing in force",
            ),
            PrintedDocument::Denials => self.say(
                "Sinulla ei ole voimassa olevia luovutuskieltoja",
                "Du har inga förbud mot utlämnande i kraft",
                "You have no denials of consent to data sharing in force",
            ),
        };
        format!("{none} {inside}.")
    }

    /// A day in the language's form.
    pub(super) fn date(&self, day: Day) -> String {
        let iso = day.to_string();
        let form = self.say("%-d.%-m.%Y", "%-d.%-m.%Y", "%-d %B %Y");
        iso.parse::<NaiveDate>().map(|date| date.format(form).to_string()).unwrap_or(iso)
    }

    fn say(&self, fi: &'static str, sv: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Fi => fi,
            Language::Sv => sv,
            Language::En => en,
        }
    }

    fn in_sector(&self) -> &'static str {
        match self.sector {
            PrintedSector::One(Sector::Healthcare) => {
                self.say("terveydenhuollossa", "inom hälso- och sjukvården", "in healthcare")
            }
            PrintedSector::One(Sector::SocialWelfare) => {
                self.say("sosiaalihuollossa", "inom socialvården", "in social welfare")
            }
            PrintedSector::Both => self.say(
                "terveydenhuollossa ja sosiaalihuollossa",
                "inom hälso- och sjukvården samt socialvården",
                "in healthcare and social welfare",
            ),
        }
    }

    /// Where the client gives and withdraws.
    fn in_mykanta_or_sector(&self) -> &'static str {
        match self.sector {
            PrintedSector::One(Sector::Healthcare) => self.say(
                "OmaKannassa tai asioidessasi terveydenhuollossa",
                "i MittKanta eller när du uträttar ärenden inom hälso- och sjukvården",
                "in MyKanta or when you use healthcare services",
            ),
            PrintedSector::One(Sector::SocialWelfare) => self.say(
                "OmaKannassa tai asioidessasi sosiaalihuollossa",
                "i MittKanta eller när du uträttar ärenden inom socialvården",
                "in MyKanta or when you use social welfare services",
            ),
            PrintedSector::Both => self.say(
                "OmaKannassa tai asioidessasi terveydenhuollossa tai sosiaalihuollossa",
                "i MittKanta eller när du uträttar ärenden inom hälso- och sjukvården eller socialvården",
                "in MyKanta or when you use healthcare or social welfare services",
            ),
        }
    }

    /// An organisation's name, or its OID if the directory does not know it.
    fn organisation(&self, oid: &Oid<'_>) -> String {
        let known = self.directory.organisation(oid);
        named(known.map(|organisation| organisation.name.in_language(self.language)), oid)
    }

    /// A register's name with its controller's, or its OID.
    fn register(&self, oid: &Oid<'_>) -> String {
        let Some(party) = self.directory.party(oid) else {
            return oid.to_string();
        };
        let name = party.register.name.in_language(self.language);
        let register = named(Some(name), oid);
        format!("{register} ({})", self.organisation(&party.controller.oid))
    }
}

/// A name, or the OID in its place.
fn named(name: Option<&str>, oid: &Oid<'_>) -> String {
    name.map(on_one_line).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| oid.to_string())
}

/// On one line: it comes from outside, and a printout is laid out by lines.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
