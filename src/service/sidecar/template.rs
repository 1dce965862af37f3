//! Paths of calls, and the templates of paths that routes have.
//!
//! A path that proxies and services may read in different ways fits nothing:
//! who decides about one document must not let another one through.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A path template with named parts: `/clients/{client}/records/{record}`.
#[derive(Debug)]
pub(super) struct Template(Vec<Segment>);

/// What is between two slashes.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    /// Taken under this name.
    Taken(Box<str>),
}

/// A path that can be read in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// The segments of a path.
#[derive(Debug)]
pub(super) struct Path<'p>(Vec<PathSegment<'p>>);

#[derive(Debug)]
struct PathSegment<'p> {
    written: &'p str,
    meant: Cow<'p, str>,
}

impl Template {
    /// Reads a template; the error says what to write.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let is_root = |path: &Path<'_>| path.0.is_empty();
        let path = Path::parse(text).ok().filter(|path| !is_root(path));
        let path = path.ok_or("write a path such as /clients/{client}")?;
        let segments = path.0.into_iter().map(|PathSegment { written, meant: _ }| {
            match written.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if is_name(name) => Ok(Segment::Taken(name.into())),
                None if !written.contains(['{', '}', '%']) => Ok(Segment::Literal(written.into())),
                Some(_) | None => Err("write each part that is taken as a whole segment, such as {client}"),
            }
        });
        segments.collect::<Result<_, _>>().map(Self)
    }

    /// The names under which it takes parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Taken(name) => Some(&**name),
            Segment::Literal(_) => None,
        })
    }

    /// How often it takes a part under a name.
    pub(super) fn count_of(&self, name: &str) -> usize {
        self.0.iter().filter(|segment| matches!(segment, Segment::Taken(taken) if **taken == *name)).count()
    }

    /// Whether a path is one of these.
    pub(super) fn fits(&self, path: &Path<'_>) -> bool {
        self.0.len() == path.0.len()
            && self.0.iter().zip(&path.0).all(|(segment, in_path)| match segment {
                // As it is written: an encoded letter may be read otherwise elsewhere.
                Segment::Literal(literal) => **literal == *in_path.written,
                Segment::Taken(_) => true,
            })
    }

    /// The part of a path that fits which is taken under a name.
    pub(super) fn take<'p>(&self, name: &str, path: &'p Path<'_>) -> Option<&'p str> {
        let is_it = |segment: &Segment| matches!(segment, Segment::Taken(taken) if **taken == *name);
        let place = self.0.iter().position(is_it)?;
        path.0.get(place).map(|segment| &*segment.meant)
    }
}

impl<'p> Path<'p> {
    /// Splits a path without its query.
    pub(super) fn parse(text: &'p str) -> Result<Self, Ambiguous> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'?' | b';');
        if !text.bytes().all(is_plain) {
            return Err(Ambiguous);
        }
        // The root has no segments: every reader takes it for the same.
        if text == "/" {
            return Ok(Self(Vec::new()));
        }
        let segments = text.strip_prefix('/').ok_or(Ambiguous)?.split('/').map(|written| {
            let meant = decoded(written).ok_or(Ambiguous)?;
            let is_clear = !matches!(&*meant, "" | "." | "..") && !meant.contains(['/', '\\', ';']);
            if is_clear { Ok(PathSegment { written, meant }) } else { Err(Ambiguous) }
        });
        segments.collect::<Result<_, _>>().map(Self)
    }
}

/// Percent-encoded text, decoded once. None if it would mean something else
/// decoded twice, or is not text.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    let is_clear = !decoded.contains(|one: char| one == '%' || one.is_control());
    is_clear.then_some(decoded)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        Template::parse("/clients/{client}/records/{record}").expect("a template")
    }

    #[test]
    fn parts_are_taken_where_the_template_says() {
        let template = template();
        let path = Path::parse("/clients/010181-900C/records/1.2%3A3").expect("a path");
        assert!(template.fits(&path));
        assert_eq!(template.take("client", &path), Some("010181-900C"));
        assert_eq!(template.take("record", &path), Some("1.2:3"));
        assert_eq!(template.take("other", &path), None);
    }

    #[test]
    fn other_paths_do_not_fit() {
        for text in ["/", "/clients", "/clients/x/records", "/clients/x/records/y/z", "/Clients/x/records/y"]
        {
            let path = Path::parse(text);
            assert!(path.map_or(true, |path| !template().fits(&path)), "{text}");
        }
        // An upstream that does not decode would not see this path.
        let encoded = Path::parse("/cl%69ents/x/records/y").expect("a path");
        assert!(!template().fits(&encoded));
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_ambiguous() {
        for text in [
            "",
            "clients/x",
            "//clients/x",
            "/clients//x",
            "/clients/x/",
            "/clients/./x",
            "/clients/../x",
            "/clients/%2e%2e/x",
            "/clients/%2E/x",
            "/clients/a%2Fb",
            "/clients/a%5cb",
            "/clients/a\\b",
            "/clients/a;b=c",
            "/clients/a%3Bb",
            "/clients/a%00",
            "/clients/a%0a",
            "/clients/a%252Fb",
            "/clients/a%2",
            "/clients/a%zz",
            "/clients/%ff",
            "/clients/ä",
            "/clients/a b",
            "/clients/a#b",
            "http://other/clients/a",
        ] {
            assert_eq!(Path::parse(text).map(|_| ()), Err(Ambiguous), "{text}");
        }
    }

    #[test]
    fn the_root_is_a_path_that_no_template_fits() {
        let root = Path::parse("/").expect("a path");
        assert!(!template().fits(&root));
        assert!(!Template::parse("/{any}").expect("a template").fits(&root));
    }

    #[test]
    fn templates_take_whole_segments() {
        for text in ["clients", "/a{b}", "/{}", "/{A}", "/{a}b", "/a%20b", "/{a", "/"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        assert_eq!(template().count_of("client"), 1);
    }
}
