//! Parses YAML into a tree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::Fault;
use super::node::{Node, NodeContent, NodeField};
use super::path::{FieldPath, PathStep};

/// Maximum nesting of lists and fields.
const DEPTH_MAX: usize = 64;

/// Maximum number of parts, including those that aliases repeat.
const PARTS_MAX: usize = 4_000_000;

/// Parses one document.
pub(super) fn read(text: &str) -> Result<Node, Vec<Fault>> {
    let mut reader = DocumentReader::default();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                if reader.take(event, span).is_err() {
                    return Err(reader.faults);
                }
            }
            Err(error) => {
                let message =
                    format!("not well-formed: {}; fix the YAML or JSON here or above", error.info());
                reader.report(error.marker().line(), message);
                return Err(reader.faults);
            }
        }
    }
    match reader.root {
        _ if !reader.faults.is_empty() => Err(reader.faults),
        Some(root) => Ok(root),
        None => {
            reader.report(1, "the file is empty: write the fields of a message".to_owned());
            Err(reader.faults)
        }
    }
}

/// Builds the tree from the events of the parser.
#[derive(Default)]
struct DocumentReader {
    /// The enclosing collections that have not ended, from the root.
    open: Vec<OpenCollection>,
    /// The parts that aliases can repeat.
    anchors: HashMap<usize, Node>,
    parts: usize,
    root: Option<Node>,
    faults: Vec<Fault>,
}

/// A collection that has not ended.
struct OpenCollection {
    line: usize,
    anchor: usize,
    collection: Collection,
}

enum Collection {
    List(Vec<Node>),
    Fields { fields: Vec<NodeField>, names: HashSet<String>, next: Option<FieldName> },
}

/// The name of a field whose value has not been read.
struct FieldName {
    name: String,
    line: usize,
    /// The name is a duplicate or no name: the value is dropped.
    rejected: bool,
}

/// Parsing cannot continue. The reason is among the faults.
struct Stop;

impl DocumentReader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let line = span.start.line();
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                if self.root.is_some() {
                    return self.stop(line, "a second document: write one document per file".to_owned());
                }
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), line);
                self.start_collection(line, anchor, Collection::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), line);
                let fields = Collection::Fields { fields: Vec::new(), names: HashSet::new(), next: None };
                self.start_collection(line, anchor, fields)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let content = match open.collection {
                    Collection::List(items) => NodeContent::List(items),
                    Collection::Fields { fields, .. } => NodeContent::Fields(fields),
                };
                self.place(Node::new(open.line, content), open.anchor)
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), line),
            Event::Alias(anchor) => self.repeat(anchor, line),
        }
    }

    fn start_collection(&mut self, line: usize, anchor: usize, collection: Collection) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            return self
                .stop(line, format!("nested more deeply than {DEPTH_MAX} levels: no message is that deep"));
        }
        self.open.push(OpenCollection { line, anchor, collection });
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        line: usize,
    ) -> Result<(), Stop> {
        self.check_tag(tag, line);
        if self.is_name_next() {
            self.start_field(text.into_owned(), line);
            return Ok(());
        }
        let plain = style == ScalarStyle::Plain && tag.is_none();
        let content = match text.as_ref() {
            "" | "null" | "~" if plain => NodeContent::Nothing,
            "true" if plain => NodeContent::Flag(true),
            "false" if plain => NodeContent::Flag(false),
            _ => NodeContent::Text(text.into_owned()),
        };
        self.place(Node::new(line, content), anchor)
    }

    fn repeat(&mut self, anchor: usize, line: usize) -> Result<(), Stop> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return self
                .stop(line, "the alias repeats a part that encloses it: use another anchor".to_owned());
        };
        if node.is_deeper_than(DEPTH_MAX.saturating_sub(self.open.len())) {
            return self
                .stop(line, format!("nested more deeply than {DEPTH_MAX} levels: no message is that deep"));
        }
        self.parts = self.parts.saturating_add(node.size());
        self.place(node, 0)
    }

    fn is_name_next(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.collection, Collection::Fields { next: None, .. }))
    }

    fn start_field(&mut self, name: String, line: usize) {
        let Some(OpenCollection { collection: Collection::Fields { names, next, .. }, .. }) =
            self.open.last_mut()
        else {
            return;
        };
        let rejected = !names.insert(name.clone());
        *next = Some(FieldName { name, line, rejected });
        if rejected {
            self.report(line, "is written twice: keep one of them".to_owned());
        }
    }

    /// Adds a complete part to its enclosing collection.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > PARTS_MAX {
            return self.stop(node.line, format!("more than {PARTS_MAX} parts: split the file"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        if self.is_name_next() {
            let line = node.line;
            self.report(line, "a field's name must be plain text: quote it".to_owned());
            if let Some(OpenCollection { collection: Collection::Fields { next, .. }, .. }) =
                self.open.last_mut()
            {
                *next = Some(FieldName { name: "?".to_owned(), line, rejected: true });
            }
            return Ok(());
        }
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some(node),
            Some(Collection::List(items)) => items.push(node),
            Some(Collection::Fields { fields, next, .. }) => {
                let field = next.take().filter(|name| !name.rejected);
                fields.extend(field.map(|FieldName { name, line, .. }| NodeField {
                    name,
                    line,
                    value: node,
                }));
            }
        }
        Ok(())
    }

    fn check_tag(&mut self, tag: Option<&Tag>, line: usize) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.report(line, format!("the tag `{tag}` is not supported: remove it"));
        }
    }

    fn stop(&mut self, line: usize, message: String) -> Result<(), Stop> {
        self.report(line, message);
        Err(Stop)
    }

    fn report(&mut self, line: usize, message: String) {
        let steps = self.open.iter().filter_map(|open| match &open.collection {
            Collection::List(items) => Some(PathStep::Item(items.len())),
            Collection::Fields { next, .. } => next.as_ref().map(|name| PathStep::Field(name.name.clone())),
        });
        let path = FieldPath(steps.collect()).to_string();
        self.faults.push(Fault { line: Some(line), path, message });
    }
}
