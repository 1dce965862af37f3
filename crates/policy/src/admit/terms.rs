//! The inputs of admission: the terms, and what is recorded of the person.

use chrono::TimeDelta;

use crate::calendar::Calendar;
use crate::client_id::ClientId;
use crate::day::{self, Day, Instant};
use crate::declaration::{ClientDeclarations, Content, Kind, Professional};
use crate::directory::{Directory, Party, Sector};
use crate::link::RecordedLink;
use crate::refusal::Refusal;

/// The inputs of admission besides the submission and the client's declarations.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Organisations and registers.
    pub directory: &'a Directory,
    /// The dates on which rules change.
    pub calendar: &'a Calendar,
    /// Maximum time by which a recorder's clock may be ahead of this server's.
    pub clock_ahead_max: TimeDelta,
    /// Maximum number of declarations of a client, withdrawn ones included, up to
    /// which one of any kind is recorded; denials up to twice as many.
    pub declarations_max: usize,
}

/// What is recorded of the person for whom something is submitted.
#[derive(Clone, Copy, Debug)]
pub struct PersonRecords<'a> {
    /// The code in use now, by which the age is known.
    pub current: &'a ClientId,
    /// The declarations under every code of the person, in revision order.
    pub declarations: &'a ClientDeclarations,
    /// The links of every code of the person, in the order in which they were recorded.
    pub links: &'a [RecordedLink],
}

impl<'a> PersonRecords<'a> {
    /// What is recorded of a client who is known under one code.
    #[must_use]
    pub fn of_one(client: &'a ClientId, declarations: &'a ClientDeclarations) -> Self {
        Self { current: client, declarations, links: &[] }
    }
}

impl<'a> Terms<'a> {
    /// Refuses one more declaration of a client who has very many. Denials have room
    /// of their own, because to refuse one would share what the client denies;
    /// withdrawals add none.
    pub(super) fn check_number(&self, content: &Content, recorded: usize) -> Result<(), Refusal> {
        let most = match content.kind() {
            Kind::Denial => self.declarations_max.saturating_mul(2),
            Kind::Information | Kind::Consent => self.declarations_max,
        };
        if recorded < most { Ok(()) } else { Err(Refusal::TooManyDeclarations { most }) }
    }

    /// The day of something given; none = given at the instant of recording. If the
    /// recorder's clock is a little ahead, it counts as given then too.
    pub(super) fn given_on(&self, given_at: Option<Instant>, now: Instant) -> Result<Day, Refusal> {
        let given_at = given_at.unwrap_or(now);
        if given_at - now > self.clock_ahead_max {
            return Err(Refusal::GivenInFuture);
        }
        Ok(day::given_on(given_at, now))
    }

    /// The register of a professional, and its sector. The directory must know
    /// the organisation and the register.
    pub(super) fn professional(&self, professional: &Professional) -> Result<(Party<'a>, Sector), Refusal> {
        let register = self.directory.party(&professional.register);
        let register = register
            .filter(|_| self.directory.organisation(&professional.organisation).is_some())
            .ok_or(Refusal::RecorderUnknown)?;
        let sector = register.register.kind.sector().ok_or(Refusal::RecorderSectorNotAllowed)?;
        Ok((register, sector))
    }
}
