//! What a part has to tell: a text, tables, and targets with what was measured.

/// What one part measured.
#[derive(Default)]
pub(crate) struct Section {
    blocks: Vec<String>,
    pub(crate) checked: Vec<Checked>,
}

/// A target and what was measured.
pub(crate) struct Checked {
    pub(crate) what: String,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) is_reached: Option<bool>,
}

impl Section {
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(text.into());
    }

    /// A table; the first column is words, the others are numbers.
    pub(crate) fn table<const COLUMNS: usize>(
        &mut self,
        header: [&str; COLUMNS],
        rows: &[[String; COLUMNS]],
    ) {
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

    /// Notes a target with what was measured.
    pub(crate) fn check(&mut self, checked: Checked) {
        self.checked.push(checked);
    }

    pub(crate) fn as_markdown(&self) -> String {
        self.blocks.join("\n\n")
    }
}

impl Checked {
    /// The row of a table.
    pub(crate) fn row(&self) -> [String; 4] {
        let reached = match self.is_reached {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
        };
        [self.what.clone(), self.target.clone(), self.measured.clone(), reached.to_owned()]
    }
}
