//! For what a client's denials may be viewed (002).

/// Denials may be viewed for these purposes only. Routine retrieval is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewingPurpose {
    /// The client wishes to change or see them.
    ClientChangesDenials,
    /// Data is disclosed locally, outside Kanta.
    DisclosureOutsideKanta,
    /// A problem with data sharing is investigated.
    Investigation,
}

impl ViewingPurpose {
    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientChangesDenials => "client-changes-denials",
            Self::DisclosureOutsideKanta => "disclosure-outside-kanta",
            Self::Investigation => "investigation",
        }
    }
}
