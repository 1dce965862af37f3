//! The sources of rules: a number for each, and a legend with their titles.

use super::super::terminal::Terminal;

/// The sources that a page refers to, in the order of their first reference.
#[derive(Default)]
pub(in crate::cli) struct Sources(Vec<String>);

impl Sources {
    /// The numbers of sources, such as `1, 3`. New ones are added to the legend.
    pub(in crate::cli) fn numbers(&mut self, sources: &[String]) -> String {
        let numbers: Vec<String> = sources.iter().map(|source| self.number(source).to_string()).collect();
        numbers.join(", ")
    }

    fn number(&mut self, source: &str) -> usize {
        let at = self.0.iter().position(|known| known == source).unwrap_or_else(|| {
            self.0.push(source.to_owned());
            self.0.len() - 1
        });
        at + 1
    }

    /// A paragraph for each number with the title of the source.
    pub(in crate::cli) fn legend(&self, terminal: Terminal) -> String {
        let width = self.0.len().to_string().len();
        let sources = self.0.iter().enumerate();
        let lines =
            sources.map(|(at, source)| terminal.paragraph(&format!(" [{:>width$}] ", at + 1), source));
        let lines: String = lines.collect();
        if lines.is_empty() { lines } else { format!("Sources:\n{lines}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_one_number() {
        let mut sources = Sources::default();
        assert_eq!(sources.numbers(&["A".to_owned(), "B".to_owned()]), "1, 2");
        assert_eq!(sources.numbers(&["B".to_owned(), "C".to_owned()]), "2, 3");
        assert_eq!(sources.numbers(&[]), "");
        assert_eq!(sources.0, ["A", "B", "C"]);
    }
}
