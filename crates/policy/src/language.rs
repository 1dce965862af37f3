//! The languages of printouts.

/// The language of a printout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Finnish.
    Fi,
    /// Swedish.
    Sv,
    /// English.
    En,
}

impl Language {
    /// Parses `fi`, `sv` or `en`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        [Self::Fi, Self::Sv, Self::En].into_iter().find(|language| language.tag() == tag)
    }

    /// The language as a tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Fi => "fi",
            Self::Sv => "sv",
            Self::En => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_parsed_by_its_tag() {
        for (tag, language) in [("fi", Language::Fi), ("sv", Language::Sv), ("en", Language::En)] {
            assert_eq!((Language::from_tag(tag), language.tag()), (Some(language), tag));
        }
        for tag in ["", "FI", "fi-FI", "no"] {
            assert_eq!(Language::from_tag(tag), None, "{tag}");
        }
    }
}
