//! Who declared it and when, and what is wrong with it.

use crate::policy::day::Day;
use crate::policy::declaration::{Declaration, Kind, Label, RecordedBy, Role};
use crate::policy::language::Language;
use crate::policy::printout::PrintNote;

use super::{Words, on_one_line};

impl Words<'_> {
    /// The words by which the client knows a denial again.
    pub(in super::super) fn label_line(&self, label: &Label) -> String {
        let own_name = self.say(
            "Oma nimityksesi kiellolle",
            "Din egen benämning på förbudet",
            "Your own name for this denial",
        );
        format!("{own_name}: {}", on_one_line(label.as_str()))
    }

    pub(in super::super) fn unreadable_heading(&self, kind: Kind) -> &'static str {
        if kind == Kind::Denial {
            self.say(
                "Luovutuskielto, jonka sisältöä ei voi lukea",
                "Förbud mot utlämnande vars innehåll inte kan läsas",
                "Denial of consent to data sharing that cannot be read",
            )
        } else {
            self.say(
                "Luovutuslupa, jonka sisältöä ei voi lukea",
                "Tillstånd för utlämnande vars innehåll inte kan läsas",
                "Consent to data sharing that cannot be read",
            )
        }
    }

    /// Who gave it on which day, and when it was recorded if on another.
    pub(in super::super) fn given_lines(&self, declaration: &Declaration) -> Vec<String> {
        let is_denial = declaration.content.kind() == Kind::Denial;
        let (given_on, recorded_on) = (declaration.given_on(), Day::of(declaration.recorded_at));
        let mut lines = vec![self.given_line(declaration.role(), is_denial, given_on)];
        if given_on != recorded_on {
            let day = self.date(recorded_on);
            lines.push(match (self.language, is_denial) {
                (Language::Fi, false) => format!("Lupa tallennettiin {day}."),
                (Language::Fi, true) => format!("Kielto tallennettiin {day}."),
                (Language::Sv, false) => format!("Tillståndet registrerades den {day}."),
                (Language::Sv, true) => format!("Förbudet registrerades den {day}."),
                (Language::En, false) => format!("The consent was recorded on {day}."),
                (Language::En, true) => format!("The denial was recorded on {day}."),
            });
        }
        lines
    }

    fn given_line(&self, role: Option<Role>, is_denial: bool, given_on: Day) -> String {
        let day = self.date(given_on);
        let Some(role) = role else {
            return match (self.language, is_denial) {
                (Language::Fi, false) => format!("Lupa annettiin {day}. Antajaa ei ole tallennettu."),
                (Language::Fi, true) => format!("Kielto asetettiin {day}. Asettajaa ei ole tallennettu."),
                (Language::Sv, false) => {
                    format!("Tillståndet gavs den {day}. Det har inte registrerats vem som gav det.")
                }
                (Language::Sv, true) => {
                    format!("Förbudet meddelades den {day}. Det har inte registrerats vem som meddelade det.")
                }
                (Language::En, false) => {
                    format!("This consent was given on {day}. It was not recorded who gave it.")
                }
                (Language::En, true) => {
                    format!("This denial was set on {day}. It was not recorded who set it.")
                }
            };
        };
        let who = self.who(role);
        let is_client = role == Role::Client;
        match (self.language, is_denial) {
            (Language::Fi, false) if is_client => format!("Annoit luvan {day}."),
            (Language::Fi, true) if is_client => format!("Asetit kiellon {day}."),
            (Language::Fi, false) => format!("{who} antoi luvan {day}."),
            (Language::Fi, true) => format!("{who} asetti kiellon {day}."),
            (Language::Sv, false) => format!("{who} gav tillståndet den {day}."),
            (Language::Sv, true) => format!("{who} meddelade förbudet den {day}."),
            (Language::En, false) => format!("{who} gave this consent on {day}."),
            (Language::En, true) => format!("{who} set this denial on {day}."),
        }
    }

    /// The start of a sentence. No names: the client knows them, and staff is not named.
    fn who(&self, role: Role) -> &'static str {
        match role {
            Role::Client => self.say("Sinä", "Du", "You"),
            Role::Guardian => self.say("Huoltajasi", "Din vårdnadshavare", "Your guardian"),
            Role::LegalRepresentative => {
                self.say("Laillinen edustajasi", "Din lagliga företrädare", "Your legal representative")
            }
            Role::AuthorisedPerson => self.say(
                "Valtuuttamasi henkilö",
                "En person som du har befullmäktigat",
                "A person authorised by you",
            ),
        }
    }

    pub(in super::super) fn note(&self, note: PrintNote, declaration: &Declaration) -> String {
        match note {
            PrintNote::GiveAgain => {
                let why = self.say(
                    "Tämä lupa ei ole voimassa, koska se annettiin ennen kuin olit saanut tiedon \
                     Kanta-palveluista (Kanta-informoinnin).",
                    "Det här tillståndet är inte i kraft, eftersom det gavs innan du hade fått \
                     informationen om Kanta-tjänsterna.",
                    "This consent is not in effect because it was given before you had received the \
                     information about the Kanta Services.",
                );
                self.give_again(why)
            }
            PrintNote::CoversNothing => {
                let why = self.say(
                    "Tällä luvalla tietojasi ei luovuteta, koska lupaa on rajattu tavalla, joka ei ole \
                     mahdollinen.",
                    "Inga uppgifter lämnas ut med stöd av det här tillståndet, eftersom det har \
                     begränsats på ett sätt som inte är möjligt.",
                    "No data is shared under this consent because it has been limited in a way that is \
                     not possible.",
                );
                self.give_again(why)
            }
            PrintNote::Unreadable => self.unreadable(declaration),
        }
    }

    fn give_again(&self, why: &str) -> String {
        let here = self.in_mykanta_or_sector();
        match self.language {
            Language::Fi => {
                format!("{why} Jos haluat, että tietojasi luovutetaan, anna lupa uudelleen {here}.")
            }
            Language::Sv => {
                format!("{why} Om du vill att dina uppgifter lämnas ut ska du ge tillståndet på nytt {here}.")
            }
            Language::En => format!("{why} If you want your data to be shared, give it again {here}."),
        }
    }

    /// What something that cannot be read does until it can, and whom to ask.
    fn unreadable(&self, declaration: &Declaration) -> String {
        let meanwhile = if declaration.content.kind() == Kind::Denial {
            self.say(
                "Tämän kiellon sisältöä ei voi lukea tässä palvelussa. Varmuuden vuoksi se estää \
                 kaikkien tietojesi luovuttamisen, kunnes asia on selvitetty.",
                "Innehållet i det här förbudet kan inte läsas i den här tjänsten. För säkerhets skull \
                 hindrar det utlämnande av alla dina uppgifter tills saken har utretts.",
                "This denial cannot be read here. To be on the safe side, it prevents the sharing of all \
                 of your data until the matter has been cleared up.",
            )
        } else {
            self.say(
                "Tämän luvan sisältöä ei voi lukea tässä palvelussa. Varmuuden vuoksi tietojasi ei \
                 luovuteta tällä eikä aiemmin tallennetuilla luvilla, kunnes asia on selvitetty.",
                "Innehållet i det här tillståndet kan inte läsas i den här tjänsten. För säkerhets skull \
                 lämnas inga uppgifter ut med stöd av det eller av tillstånd som har registrerats \
                 tidigare, tills saken har utretts.",
                "This consent cannot be read here. To be on the safe side, no data is shared under it, \
                 or under consents recorded earlier, until the matter has been cleared up.",
            )
        };
        format!("{meanwhile} {}", self.whom_to_ask(declaration.recorded_by.as_ref()))
    }

    fn whom_to_ask(&self, recorded_by: Option<&RecordedBy>) -> String {
        match recorded_by {
            Some(RecordedBy::Professional(professional)) => {
                let ask = self.say(
                    "Ota yhteyttä palvelunantajaan, joka teki tallennuksen",
                    "Kontakta den tjänstetillhandahållare som gjorde registreringen",
                    "Contact the service provider that recorded it",
                );
                format!("{ask}: {}.", self.organisation(&professional.organisation))
            }
            Some(RecordedBy::MyKanta) => self
                .say(
                    "Tallennus on tehty OmaKannassa: tarkista asia siellä.",
                    "Registreringen har gjorts i MittKanta: kontrollera saken där.",
                    "It was recorded in MyKanta: check it there.",
                )
                .to_owned(),
            None => self
                .say(
                    "Ota yhteyttä palvelunantajaan, joka teki tallennuksen.",
                    "Kontakta den tjänstetillhandahållare som gjorde registreringen.",
                    "Contact the service provider that recorded it.",
                )
                .to_owned(),
        }
    }
}
