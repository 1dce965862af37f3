//! A document as a tree. Every part has its line.

use super::path::{FieldPath, PathStep, in_snake_case};

/// A part of a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The line on which it starts.
    pub(super) line: usize,
    /// The content.
    pub(super) content: NodeContent,
    /// Set when a fault of the part was reported. It is then ignored.
    pub(super) dropped: bool,
}

/// The content of a part.
#[derive(Clone, Debug)]
pub(super) enum NodeContent {
    /// `null`, `~` or empty.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Fields, each name at most once.
    Fields(Vec<NodeField>),
}

/// A field.
#[derive(Clone, Debug)]
pub(super) struct NodeField {
    /// The name as written.
    pub(super) name: String,
    /// The line of the name.
    pub(super) line: usize,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(line: usize, content: NodeContent) -> Self {
        Self { line, content, dropped: false }
    }

    /// The part at a path.
    pub(super) fn at(&self, path: &FieldPath) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.part(step).map(|(part, _)| part))
    }

    /// The line of the part at a path, or of the nearest part that encloses it.
    /// The line of a field is that of its name.
    pub(super) fn line_of(&self, path: &FieldPath) -> Option<usize> {
        let (mut node, mut line) = (self, None);
        for step in &path.0 {
            let Some((part, part_line)) = node.part(step) else { break };
            (node, line) = (part, Some(part_line));
        }
        line.or(Some(self.line))
    }

    /// Whether the part at a path lacks a field only because the field was dropped.
    pub(super) fn has_dropped(&self, path: &FieldPath, field: &str) -> bool {
        let fields = self.at(path);
        let field = fields.and_then(|fields| fields.part(&PathStep::Field(field.to_owned())));
        field.is_some_and(|(field, _)| field.dropped)
    }

    /// Drops the part at a path. Returns false for the root and for a part that is already dropped.
    pub(super) fn drop_at(&mut self, path: &FieldPath) -> bool {
        if path.0.is_empty() {
            return false;
        }
        let part = path.0.iter().try_fold(self, Self::part_mut);
        part.is_some_and(|part| !std::mem::replace(&mut part.dropped, true))
    }

    /// Whether collections are nested more deeply than `depth`.
    pub(super) fn is_deeper_than(&self, depth: usize) -> bool {
        let Some(within) = depth.checked_sub(1) else { return true };
        match &self.content {
            NodeContent::Nothing | NodeContent::Flag(_) | NodeContent::Text(_) => false,
            NodeContent::List(items) => items.iter().any(|item| item.is_deeper_than(within)),
            NodeContent::Fields(fields) => fields.iter().any(|field| field.value.is_deeper_than(within)),
        }
    }

    /// Number of parts, including this one.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            NodeContent::Nothing | NodeContent::Flag(_) | NodeContent::Text(_) => 1,
            NodeContent::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            NodeContent::Fields(fields) => 1 + fields.iter().map(|field| field.value.size()).sum::<usize>(),
        }
    }

    fn part(&self, step: &PathStep) -> Option<(&Self, usize)> {
        match (&self.content, step) {
            (NodeContent::Fields(fields), PathStep::Field(name)) => {
                let field = fields.iter().find(|field| field.is_named(name))?;
                Some((&field.value, field.line))
            }
            (NodeContent::List(items), PathStep::Item(place)) => {
                items.get(*place).map(|item| (item, item.line))
            }
            (
                NodeContent::Nothing
                | NodeContent::Flag(_)
                | NodeContent::Text(_)
                | NodeContent::List(_)
                | NodeContent::Fields(_),
                PathStep::Field(_) | PathStep::Item(_),
            ) => None,
        }
    }

    fn part_mut<'n>(&'n mut self, step: &PathStep) -> Option<&'n mut Self> {
        match (&mut self.content, step) {
            (NodeContent::Fields(fields), PathStep::Field(name)) => {
                fields.iter_mut().find(|field| field.is_named(name)).map(|field| &mut field.value)
            }
            (NodeContent::List(items), PathStep::Item(place)) => items.get_mut(*place),
            (
                NodeContent::Nothing
                | NodeContent::Flag(_)
                | NodeContent::Text(_)
                | NodeContent::List(_)
                | NodeContent::Fields(_),
                PathStep::Field(_) | PathStep::Item(_),
            ) => None,
        }
    }
}

impl NodeField {
    fn is_named(&self, name: &str) -> bool {
        self.name == name || in_snake_case(&self.name) == name
    }
}
