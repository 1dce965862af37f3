//! A document as a tree, every part with its line.

use super::path::{Path, Step, in_snake_case};

/// A part of a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The line on which it begins.
    pub(super) line: usize,
    /// What is written.
    pub(super) content: Content,
    /// At fault, told, and from then on read as if it were not there.
    pub(super) dropped: bool,
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// `null`, `~` or nothing at all.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// Anything else that is not a list or has fields.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Fields, each name once.
    Fields(Vec<Field>),
}

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// As written.
    pub(super) name: String,
    /// The line of the name.
    pub(super) line: usize,
    /// What it says.
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(line: usize, content: Content) -> Self {
        Self { line, content, dropped: false }
    }

    /// The part at a path.
    pub(super) fn at(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.part(step).map(|(part, _)| part))
    }

    /// The line of the part at a path, or else of the nearest part around it.
    /// A field's line is that of its name.
    pub(super) fn line_of(&self, path: &Path) -> Option<usize> {
        let (mut node, mut line) = (self, None);
        for step in &path.0 {
            let Some((part, part_line)) = node.part(step) else { break };
            (node, line) = (part, Some(part_line));
        }
        line.or(Some(self.line))
    }

    /// Whether the fields at a path lack one only because it was dropped.
    pub(super) fn has_dropped(&self, path: &Path, field: &str) -> bool {
        let fields = self.at(path);
        let field = fields.and_then(|fields| fields.part(&Step::Field(field.to_owned())));
        field.is_some_and(|(field, _)| field.dropped)
    }

    /// Drops the part at a path. The root and what is already dropped cannot be.
    pub(super) fn drop_at(&mut self, path: &Path) -> bool {
        if path.0.is_empty() {
            return false;
        }
        let part = path.0.iter().try_fold(self, Self::part_mut);
        part.is_some_and(|part| !std::mem::replace(&mut part.dropped, true))
    }

    /// Whether collections lie deeper than this in one another.
    pub(super) fn is_deeper_than(&self, depth: usize) -> bool {
        let Some(within) = depth.checked_sub(1) else { return true };
        match &self.content {
            Content::Nothing | Content::Flag(_) | Content::Text(_) => false,
            Content::List(items) => items.iter().any(|item| item.is_deeper_than(within)),
            Content::Fields(fields) => fields.iter().any(|field| field.value.is_deeper_than(within)),
        }
    }

    /// How many parts there are, this one too.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Nothing | Content::Flag(_) | Content::Text(_) => 1,
            Content::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Content::Fields(fields) => 1 + fields.iter().map(|field| field.value.size()).sum::<usize>(),
        }
    }

    fn part(&self, step: &Step) -> Option<(&Self, usize)> {
        match (&self.content, step) {
            (Content::Fields(fields), Step::Field(name)) => {
                let field = fields.iter().find(|field| field.is_named(name))?;
                Some((&field.value, field.line))
            }
            (Content::List(items), Step::Item(place)) => items.get(*place).map(|item| (item, item.line)),
            (
                Content::Nothing
                | Content::Flag(_)
                | Content::Text(_)
                | Content::List(_)
                | Content::Fields(_),
                Step::Field(_) | Step::Item(_),
            ) => None,
        }
    }

    fn part_mut<'n>(&'n mut self, step: &Step) -> Option<&'n mut Self> {
        match (&mut self.content, step) {
            (Content::Fields(fields), Step::Field(name)) => {
                fields.iter_mut().find(|field| field.is_named(name)).map(|field| &mut field.value)
            }
            (Content::List(items), Step::Item(place)) => items.get_mut(*place),
            (
                Content::Nothing
                | Content::Flag(_)
                | Content::Text(_)
                | Content::List(_)
                | Content::Fields(_),
                Step::Field(_) | Step::Item(_),
            ) => None,
        }
    }
}

impl Field {
    fn is_named(&self, name: &str) -> bool {
        self.name == name || in_snake_case(&self.name) == name
    }
}
