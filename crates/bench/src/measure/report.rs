//! The report of one measurement as Markdown: texts, tables, and targets beside
//! the measured values.

/// The report of one measurement.
#[derive(Default)]
pub struct Section {
    blocks: Vec<String>,
    /// The targets, in the order in which they were checked.
    pub checked: Vec<Checked>,
}

/// A target beside the measured value.
pub struct Checked {
    /// The measured quantity.
    pub what: String,
    /// The bound, with its unit.
    pub target: String,
    /// The measured value, with its unit.
    pub measured: String,
    /// Whether the target is reached; `None` if it was not measured.
    pub is_reached: Option<bool>,
}

impl Section {
    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(text.into());
    }

    /// Adds a table. The first column is aligned to the left, the others to the right.
    pub fn table<const COLUMNS: usize>(&mut self, header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
        let header = header.map(str::to_owned);
        let widths: Vec<usize> = (0..COLUMNS)
            .map(|column| {
                let cells = rows.iter().chain([&header]).filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
            })
            .collect();
        let line = |row: &[String; COLUMNS]| {
            let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, width))| match place {
                0 => format!(" {cell:<width$} |"),
                _ => format!(" {cell:>width$} |"),
            });
            format!("|{}\n", cells.collect::<String>())
        };
        let rule = widths.iter().enumerate().map(|(place, width)| match place {
            0 => format!("{}|", "-".repeat(width + 2)),
            _ => format!("{}:|", "-".repeat(width + 1)),
        });
        let rule = format!("|{}\n", rule.collect::<String>());
        let body: String = rows.iter().map(line).collect();
        self.blocks.push(line(&header) + &rule + body.trim_end());
    }

    /// Adds a target.
    pub fn check(&mut self, checked: Checked) {
        self.checked.push(checked);
    }

    /// The whole report.
    #[must_use]
    pub fn as_markdown(&self) -> String {
        self.blocks.join("\n\n")
    }
}

impl Checked {
    /// The target as a row of the table of targets.
    #[must_use]
    pub fn row(&self) -> [String; 4] {
        let reached = match self.is_reached {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
        };
        [self.what.clone(), self.target.clone(), self.measured.clone(), reached.to_owned()]
    }
}
