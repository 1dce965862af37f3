//! Source text, read as far as the architecture needs.

use std::collections::BTreeSet;

/// The code without comments and without what strings say.
pub(super) fn code_of(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = |place: usize| characters.get(place).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut place = 0;
    while place < characters.len() {
        match (at(place), at(place + 1)) {
            ('/', '/') => {
                while place < characters.len() && at(place) != '\n' {
                    place += 1;
                }
            }
            ('r', '"' | '#') if !code.ends_with(is_word) => {
                let hashes = (place + 1..).take_while(|next| at(*next) == '#').count();
                if at(place + 1 + hashes) == '"' {
                    let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    place += 2 + hashes;
                    while place < characters.len()
                        && !characters[place..].iter().copied().take(end.len()).eq(end.chars())
                    {
                        place += 1;
                    }
                    place += end.len();
                } else {
                    code.push('r');
                    place += 1;
                }
            }
            ('"', _) => {
                place += 1;
                while place < characters.len() && at(place) != '"' {
                    place += if at(place) == '\\' { 2 } else { 1 };
                }
                place += 1;
            }
            ('\'', '\\') => {
                place += 3;
                while place < characters.len() && at(place) != '\'' {
                    place += 1;
                }
                place += 1;
            }
            ('\'', _) if at(place + 2) == '\'' => place += 3,
            (character, _) => {
                code.push(character);
                place += 1;
            }
        }
    }
    code
}

/// The crate's modules that code at a depth names: by `crate::`, or by a
/// `super::` that leads to the top. Within an inline module one `super` more is
/// needed.
pub(super) fn crate_paths(code: &str, depth: usize) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (place, _) in code.match_indices("crate::") {
        if !code[..place].ends_with(is_word) {
            named.extend(first_segments(&code[place + "crate::".len()..]));
        }
    }
    let outside_inline = code.split("\nmod tests {").next().unwrap_or_default();
    let to_the_top = "super::".repeat(depth);
    for (place, _) in outside_inline.match_indices(&to_the_top) {
        named.extend(first_segments(&outside_inline[place + to_the_top.len()..]));
    }
    named
}

/// The first segments of a path or of a group of paths.
fn first_segments(path: &str) -> Vec<String> {
    let segment =
        |text: &str| text.trim_start().chars().take_while(|character| is_word(*character)).collect();
    let Some(group) = path.strip_prefix('{') else { return vec![segment(path)] };
    let mut segments = Vec::new();
    let mut nested = 0;
    let mut begins = true;
    for (place, character) in group.char_indices() {
        match character {
            '{' => nested += 1,
            '}' if nested == 0 => break,
            '}' => nested -= 1,
            ',' if nested == 0 => begins = true,
            _ if begins && is_word(character) => {
                segments.push(segment(&group[place..]));
                begins = false;
            }
            _ => {}
        }
    }
    segments
}

/// Whether code names an external crate or a macro.
pub(super) fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(place, _)| {
        let after = &code[place + name.len()..];
        let is_path = after.starts_with("::") || after.starts_with("!(");
        is_path && !code[..place].ends_with(is_word)
    })
}

/// The modules that code has in files of their own.
pub(super) fn submodules(code: &str) -> Vec<String> {
    let names = code.lines().filter_map(|line| {
        let declared = line.trim_start().trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
        let name = declared.trim_start_matches("pub ").strip_prefix("mod ")?;
        name.strip_suffix(';').map(str::to_owned)
    });
    names.collect()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
