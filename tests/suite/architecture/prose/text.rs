//! Extracts the prose of a file: comments, strings and Markdown without code.

/// A separator word between two pieces of prose, so that no phrase is found across code.
const BREAK: char = '\u{1}';

/// How a file marks its prose.
#[derive(Clone, Copy)]
enum Marks {
    /// `//` starts a comment; strings stand in double quotes or are raw.
    Rust,
    /// A comment starts with this word; strings stand in quotes.
    Comments { start: &'static str, has_strings: bool },
    /// All of it but code in backticks.
    Markdown,
}

impl Marks {
    fn of(path: &str, text: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        Some(match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => Self::Rust,
            Some("proto") => Self::Comments { start: "//", has_strings: false },
            Some("sql") => Self::Comments { start: "--", has_strings: false },
            Some("md") => Self::Markdown,
            Some("toml" | "yaml" | "py" | "sh") => Self::Comments { start: "#", has_strings: true },
            None if name == "Dockerfile" || text.starts_with("#!") => {
                Self::Comments { start: "#", has_strings: true }
            }
            Some(_) | None => return None,
        })
    }
}

/// The prose of a file, with its lines; `None` for a format without prose.
pub(super) fn prose(path: &str, text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let text = match Marks::of(path, text)? {
        Marks::Rust => Reader::new(&characters).read("//", true, true),
        Marks::Comments { start, has_strings } => Reader::new(&characters).read(start, has_strings, false),
        Marks::Markdown => text.to_owned(),
    };
    Some(without_code(&text).replace(BREAK, &format!(" {BREAK} ")))
}

struct Reader<'t> {
    text: &'t [char],
    place: usize,
    prose: String,
}

impl<'t> Reader<'t> {
    fn new(text: &'t [char]) -> Self {
        Self { text, place: 0, prose: String::new() }
    }

    fn at(&self, place: usize) -> char {
        self.text.get(place).copied().unwrap_or('\0')
    }

    fn starts(&self, word: &str) -> bool {
        word.chars().enumerate().all(|(n, character)| self.at(self.place + n) == character)
    }

    /// The number of `#` after this place.
    fn hashes(&self) -> usize {
        (self.place + 1..).take_while(|next| self.at(*next) == '#').count()
    }

    /// Keeps comments and, if the file has them, strings.
    fn read(mut self, comment: &str, has_strings: bool, is_rust: bool) -> String {
        let mut before = '\0';
        while self.place < self.text.len() {
            let character = self.at(self.place);
            let hashes = if is_rust && character == 'r' { self.hashes() } else { 0 };
            let is_raw = is_rust && character == 'r' && self.at(self.place + 1 + hashes) == '"';
            let is_word = before.is_alphanumeric() || before == '_';
            if self.starts(comment) && (comment != "#" || !is_word && before != '$' && before != '{') {
                self.place += comment.len();
                self.keep(|reader| reader.at(reader.place) == '\n', 0);
            } else if has_strings && is_raw && !is_word {
                self.place += 2 + hashes;
                let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                self.keep(|reader| reader.starts(&end), end.len());
            } else if has_strings && character == '"' {
                self.place += 1;
                self.keep(|reader| reader.at(reader.place) == '"', 1);
            } else if is_rust
                && character == '\''
                && (self.at(self.place + 2) == '\'' || self.at(self.place + 1) == '\\')
            {
                // A character, which may be a quote.
                self.place += if self.at(self.place + 1) == '\\' { 3 } else { 2 };
                while self.place < self.text.len() && self.at(self.place) != '\'' {
                    self.place += 1;
                }
                self.place += 1;
            } else {
                self.prose.push(match character {
                    '\n' => '\n',
                    character if character.is_whitespace() => ' ',
                    _ => BREAK,
                });
                self.place += 1;
            }
            before = character;
        }
        self.prose
    }

    /// Keeps everything up to an end, and skips the end.
    fn keep(&mut self, is_end: impl Fn(&Self) -> bool, end: usize) {
        while self.place < self.text.len() && !is_end(self) {
            // An escape; before a line break it joins two lines of a string.
            let is_escape = end == 1 && self.at(self.place) == '\\';
            if is_escape {
                self.place += 1;
            }
            let character = self.at(self.place);
            self.prose.push(if is_escape && character != '\n' { ' ' } else { character });
            self.place += 1;
        }
        self.place += end;
        if end > 0 {
            self.prose.push(BREAK);
        }
    }
}

/// Removes code blocks and code spans in backticks; line numbers do not change.
fn without_code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut is_block = false;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start_matches(['/', '!', ' ']).starts_with("```");
        is_block ^= is_fence;
        if is_block || is_fence {
            kept.push(BREAK);
            kept.push('\n');
            continue;
        }
        let mut is_code = false;
        for character in line.chars() {
            is_code ^= character == '`';
            kept.push(if character == '`' || is_code && character != '\n' { BREAK } else { character });
        }
    }
    kept
}

#[test]
fn comments_and_strings_are_kept_and_code_is_not() {
    let words = |path: &str, text: &str| {
        let prose = prose(path, text).unwrap();
        let words = prose.split([BREAK, ' ', '\n']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let code = "/// One `two`\nfn three() { four(\"five {six}\", r#\"seven \"eight\"\"#, '\"', 'a', b\"\\n\"); } // nine\n";
    assert_eq!(words("a.rs", code), "/ One five {six} seven \"eight\" nine");
    assert_eq!(words("a.proto", "// One\nmessage Two {} // three"), "One three");
    assert_eq!(words("a.yaml", "# one\ntwo: \"three\" # four\n"), "one three four");
    assert_eq!(words("run", "#!/bin/sh\n# one\necho \"$#two\" ${#three[@]}\n"), "!/bin/sh one $#two");
    assert_eq!(words("a.md", "one `two` three\n```\nfour\n```\nfive"), "one three five");
    assert_eq!(prose("a.hex", "one"), None);
}
