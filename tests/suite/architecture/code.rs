//! Which modules and crates a source names, read from its tokens.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

const DEFINES_A_TYPE: [&str; 4] = ["enum", "struct", "trait", "union"];

/// The names in a source that say on what it depends.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// Modules at the top of the crate, named by `crate::` or by a `super::` that leads there.
    pub(super) of_crate: BTreeSet<String>,
    /// First segments of all other paths, and macros.
    pub(super) of_others: BTreeSet<String>,
    /// Whole paths, such as `std::fs::read`.
    pub(super) paths: BTreeSet<String>,
    /// Modules that it has in files of their own.
    pub(super) submodules: Vec<String>,
    /// Structs, enums, unions and traits that it defines.
    pub(super) types: Vec<String>,
}

impl Code {
    /// Reads a source that is `depth` modules below the top of its crate.
    pub(super) fn read(text: &str, depth: usize) -> Self {
        let tokens: TokenStream = text.parse().expect("Rust");
        let mut code = Self::default();
        code.walk(tokens, depth);
        code
    }

    fn walk(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut place = 0;
        while let Some(token) = tokens.get(place) {
            match token {
                TokenTree::Ident(word) if *word == "mod" => place += self.module(&tokens[place..], depth),
                TokenTree::Ident(word) if DEFINES_A_TYPE.iter().any(|keyword| word == keyword) => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(place + 1) {
                        self.types.push(name.to_string());
                    }
                    place += 1;
                }
                TokenTree::Ident(_) => {
                    let path = Path::at(&tokens[place..]);
                    place += path.length + usize::from(path.group.is_some());
                    self.note(&path, depth);
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), depth);
                    place += 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => place += 1,
            }
        }
    }

    /// A module, inline or in a file; returns how many tokens it takes before its content.
    fn module(&mut self, tokens: &[TokenTree], depth: usize) -> usize {
        match tokens {
            [_, TokenTree::Ident(_), TokenTree::Group(content), ..] => {
                self.walk(content.stream(), depth + 1);
                3
            }
            [_, TokenTree::Ident(name), TokenTree::Punct(end), ..] if end.as_char() == ';' => {
                self.submodules.push(name.to_string());
                3
            }
            _ => 1,
        }
    }

    fn note(&mut self, path: &Path, depth: usize) {
        let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
        let members = path.members();
        match path.segments.first().map(String::as_str) {
            Some("crate") => {
                self.of_crate.extend(members.into_iter().filter_map(|member| member.get(1).cloned()))
            }
            Some("super") if supers == depth => {
                self.of_crate.extend(members.into_iter().filter_map(|member| member.get(depth).cloned()));
            }
            Some("super" | "self") | None => {}
            Some(first) if path.segments.len() > 1 || path.group.is_some() || path.is_macro => {
                self.of_others.insert(first.to_owned());
                self.paths.extend(members.iter().map(|member| member.join("::")));
            }
            Some(_) => {}
        }
    }
}

/// `a::b::{…}` or `a!`.
#[derive(Default)]
struct Path {
    segments: Vec<String>,
    /// What follows in braces.
    group: Option<TokenStream>,
    is_macro: bool,
    /// In tokens, without the group.
    length: usize,
}

impl Path {
    /// The path with which tokens start.
    fn at(tokens: &[TokenTree]) -> Self {
        let mut path = Self::default();
        loop {
            let rest = &tokens[path.length..];
            match rest {
                [TokenTree::Ident(word), ..] => {
                    path.segments.push(word.to_string());
                    path.length += 1;
                }
                [TokenTree::Group(group), ..] if path.length > 0 && group.delimiter() == Delimiter::Brace => {
                    path.group = Some(group.stream());
                    return path;
                }
                _ => return path,
            }
            match &tokens[path.length..] {
                [TokenTree::Punct(first), TokenTree::Punct(second), ..]
                    if first.as_char() == ':' && second.as_char() == ':' =>
                {
                    path.length += 2;
                }
                [TokenTree::Punct(mark), ..] => {
                    path.is_macro = mark.as_char() == '!';
                    return path;
                }
                _ => return path,
            }
        }
    }

    /// The path itself, or with each member of its group.
    fn members(&self) -> Vec<Vec<String>> {
        let Some(group) = &self.group else { return vec![self.segments.clone()] };
        let tokens: Vec<TokenTree> = group.clone().into_iter().collect();
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
        let members = tokens.split(is_comma).map(Path::at);
        members.map(|member| [self.segments.as_slice(), &member.segments].concat()).collect()
    }
}
