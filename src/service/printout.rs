//! A printout in words, for the client and not for an engineer. What is
//! printed is decided in [`policy::printout`](crate::policy::printout).
//!
//! ```text
//! Printout ─ words, in one language ─▶ Page ─ text or html ─▶ Rendered
//! ```

mod html;
mod text;
mod words;

use crate::policy::day::{Day, Instant};
use crate::policy::declaration::Content;
use crate::policy::directory::Directory;
use crate::policy::language::Language;
use crate::policy::printout::{Format, PrintEntry, PrintSubmission, Printout};

use words::Words;

/// A printout in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The title.
    pub title: String,
    /// In the order of the printout's entries.
    pub entries: Vec<RenderedEntry>,
    /// Said when nothing is listed.
    pub none: Option<String>,
    /// The whole printout in the format asked for.
    pub rendered: String,
}

/// A declaration in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedEntry {
    /// What it says.
    pub heading: String,
    /// What it is limited to, who gave it and when, each in a line.
    pub lines: Vec<String>,
    /// Why it is not in effect as it stands and what to do; none = it is.
    pub note: Option<String>,
}

/// Everything on the paper, in the order in which it is read.
struct Page {
    language: Language,
    title: String,
    /// Labels and values: the client and the day of the printout.
    facts: [(&'static str, String); 2],
    /// What the document is.
    paragraphs: [String; 2],
    /// Stands before a note.
    note_label: &'static str,
    entries: Vec<RenderedEntry>,
    none: Option<String>,
}

/// Puts a printout into words.
#[must_use]
pub fn render(
    printout: &Printout<'_>,
    submission: &PrintSubmission,
    directory: &Directory,
    language: Language,
    format: Format,
    printed_at: Instant,
) -> Rendered {
    let PrintSubmission { client, sector, document, requested_by: _, printed_by: _ } = submission;
    let words = Words { language, directory, sector: *sector };
    let entries: Vec<_> = printout.entries.iter().map(|entry| words.entry(entry)).collect();
    let none = entries.is_empty().then(|| words.none(*document));
    let page = Page {
        language,
        title: words.title(*document),
        facts: [
            (words.client_label(client), client.extension().to_owned()),
            (words.printed_on_label(), words.date(Day::of(printed_at))),
        ],
        paragraphs: [words.explanation(*document), words.what_to_do(*document)],
        note_label: words.note_label(),
        entries,
        none,
    };
    let rendered = match format {
        Format::Text => text::page(&page),
        Format::Html => html::page(&page),
    };
    Rendered { title: page.title, entries: page.entries, none: page.none, rendered }
}

impl Words<'_> {
    fn entry(&self, entry: &PrintEntry<'_>) -> RenderedEntry {
        let PrintEntry { declaration, is_for_kanta_only, opens_from, prescriptions_from, covers, note } =
            entry;
        let (heading, content_lines) = match &declaration.content {
            Content::Consent(consent) => {
                let mut lines = self.consent_lines(consent, *is_for_kanta_only);
                // One that is not in effect opens nothing on any day.
                if note.is_none() {
                    lines.extend(self.opening_lines(*opens_from, *prescriptions_from));
                }
                (self.consent_heading(&consent.kind), lines)
            }
            Content::Denial(denial) => (self.denial_heading(denial), self.denial_lines(denial, covers)),
            // Information is not printed; were it, nothing would be said of what it says.
            Content::Information(_) | Content::Unreadable(_) => {
                (self.unreadable_heading(declaration.content.kind()), Vec::new())
            }
        };
        let mut lines: Vec<String> = declaration.label.iter().map(|label| self.label_line(label)).collect();
        lines.extend(content_lines);
        lines.extend(self.given_lines(declaration));
        let note = note.map(|note| self.note(note, declaration));
        RenderedEntry { heading: heading.to_owned(), lines, note }
    }
}

#[cfg(test)]
mod tests;
