//! A digest of what sources mean to the compiler: of their tokens, without
//! comments, doc comments, layout and test code. The catalogue's version is the
//! digest of the rules, and a checkpoint of the index is used only by the
//! sources that wrote it, so prose must change neither.

use std::error::Error;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Files of test code: unit tests and their fixtures.
const TEST_FILES: [&str; 2] = ["tests.rs", "samples.rs"];

/// The digest (FNV-1a, 64 bits) of all Rust and SQL files of a folder, and an
/// instruction to Cargo to build again when the folder changes. It is the same
/// on every machine.
pub(crate) fn of_folder(folder: &str) -> Result<u64, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={folder}");
    let mut digest = Fnv1a::default();
    for path in files(Path::new(folder))? {
        let name = path.strip_prefix(folder)?.display().to_string();
        let source = std::fs::read_to_string(&path)?;
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        digest.write(&name);
        if is_rust {
            let tokens: TokenStream = source.parse().map_err(|error| format!("{name}: {error}"))?;
            digest.write_tokens(tokens);
        } else {
            digest.write(&source);
        }
    }
    Ok(digest.0)
}

/// The files under a folder in the order of their paths, without those that hold tests only.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if !TEST_FILES.iter().any(|name| path.ends_with(name)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv1a {
    /// Adds a text and an end mark, so that `ab` `c` and `a` `bc` differ.
    fn write(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_tokens(&mut self, tokens: TokenStream) {
        let mut rest = tokens.into_iter().peekable();
        while let Some(token) = rest.next() {
            let is_mark = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '#');
            // `#![…]` has a `!` between.
            if is_mark
                && let Some(TokenTree::Punct(inner)) = rest.peek()
                && inner.as_char() == '!'
            {
                rest.next();
            }
            match rest.peek() {
                Some(TokenTree::Group(group)) if is_mark && group.delimiter() == Delimiter::Bracket => {
                    let attribute = group.stream().to_string().replace(' ', "");
                    rest.next();
                    if attribute.starts_with("cfg(test)") || attribute.starts_with("cfg(any(test,") {
                        skip_item(&mut rest);
                    } else if !attribute.starts_with("doc") {
                        self.write(&attribute);
                    }
                }
                _ => self.write_token(token),
            }
        }
    }

    fn write_token(&mut self, token: TokenTree) {
        match &token {
            TokenTree::Group(group) => {
                self.write(match group.delimiter() {
                    Delimiter::Parenthesis => "(",
                    Delimiter::Brace => "{",
                    Delimiter::Bracket => "[",
                    Delimiter::None => "",
                });
                self.write_tokens(group.stream());
                self.write("end");
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                self.write(&token.to_string())
            }
        }
    }
}

/// Skips the item that `#[cfg(test)]` stands before: up to its `;` or its braces.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
