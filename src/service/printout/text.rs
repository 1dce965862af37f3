//! A printout as plain text.

use super::{Page, RenderedEntry};

/// Columns of a line.
const COLUMNS_MAX: usize = 80;

pub(super) fn page(page: &Page) -> String {
    let Page { language: _, title, facts, paragraphs, note_label, entries, none } = page;
    let mut text = String::new();
    wrap(&mut text, "", "", title);
    text.push_str(&"=".repeat(title.chars().count().min(COLUMNS_MAX)));
    text.push_str("\n\n");
    for (label, value) in facts {
        wrap(&mut text, "", "", &format!("{label}: {value}"));
    }
    for paragraph in paragraphs.iter().chain(none) {
        text.push('\n');
        wrap(&mut text, "", "", paragraph);
    }
    for (place, RenderedEntry { heading, lines, note }) in (1..).zip(entries) {
        text.push('\n');
        // What belongs to an entry stands under its heading, however wide its number.
        let number = format!("{place}. ");
        let indent = " ".repeat(number.len());
        wrap(&mut text, &number, &indent, heading);
        for line in lines {
            wrap(&mut text, &format!("{indent}- "), &format!("{indent}  "), line);
        }
        if let Some(note) = note {
            wrap(&mut text, &indent, &indent, &format!("{note_label}: {note}"));
        }
    }
    text
}

/// Breaks between words only: an id longer than a line stays whole on a line
/// of its own.
fn wrap(text: &mut String, first_indent: &str, indent: &str, sentence: &str) {
    let mut column = first_indent.chars().count();
    text.push_str(first_indent);
    let mut is_first = true;
    for word in sentence.split(' ') {
        let width = word.chars().count();
        if is_first {
            is_first = false;
        } else if column + 1 + width > COLUMNS_MAX {
            text.push('\n');
            text.push_str(indent);
            column = indent.chars().count();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(sentence: &str) -> String {
        let mut text = String::new();
        wrap(&mut text, "- ", "  ", sentence);
        text
    }

    #[test]
    fn a_line_has_eighty_columns_not_bytes() {
        let fits = format!("{} ääää", "ä".repeat(COLUMNS_MAX - 7));
        assert_eq!(wrapped(&fits), format!("- {fits}\n"));
        let too_long = format!("{fits}ä");
        assert_eq!(wrapped(&too_long), format!("- {}\n  äääää\n", "ä".repeat(COLUMNS_MAX - 7)));
    }

    #[test]
    fn an_id_is_never_broken() {
        let id = "1".repeat(COLUMNS_MAX + 1);
        assert_eq!(wrapped(&format!("Document: {id}")), format!("- Document:\n  {id}\n"));
    }
}
