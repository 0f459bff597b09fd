//! XML as elements: an outer element is walked child by child, an inner one is taken whole. A document type
//! is refused, depth and size are capped.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

/// Elements in elements.
const MOST_DEPTH: usize = 64;
/// Elements of one feature.
const MOST_ELEMENTS: usize = 500_000;
/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 128;
/// The namespaces of GML 2 and 3, and of 3.2.
const GML: [&str; 2] = ["http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2"];

/// An element.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Its name without a prefix.
    pub name: String,
    /// Whether it is one of GML's own.
    pub is_gml: bool,
    attributes: Vec<(String, String)>,
    pub children: Vec<Self>,
    /// The text right in it.
    pub text: String,
}

impl Node {
    /// An attribute by its name without a prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The children that are GML's own, of one of these names.
    pub fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(|child| child.is_gml && names.contains(&child.name.as_str()))
    }
}

/// A document that is being read.
pub(super) struct Document<'a> {
    reader: NsReader<&'a [u8]>,
    depth: usize,
    elements: usize,
}

impl<'a> Document<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0, elements: 0 }
    }

    /// The next element of the one that is open, without what is in it; nothing at the end of the open one.
    pub fn child(&mut self) -> Result<Option<Node>, String> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.open(&start).map(Some),
                Event::End(_) => return Ok(None),
                Event::Eof if self.depth == 0 => return Ok(None),
                Event::Eof => return Err("it ends within an element".to_owned()),
                _ => {}
            }
        }
    }

    /// The element that was found last, with all that is in it. The next one begins the count of elements
    /// anew.
    pub fn whole(&mut self, node: Node) -> Result<Node, String> {
        self.elements = 0;
        self.more(node)
    }

    /// The same, counted with what was read before.
    pub fn more(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let child = self.open(&start)?;
                    let child = self.more(child)?;
                    node.children.push(child);
                }
                Event::End(_) => return Ok(node),
                Event::Text(text) => node.text += &text.xml10_content(),
                Event::CData(text) => node.text += &text.xml10_content(),
                Event::GeneralRef(found) => {
                    let plain = quick_xml::escape::resolve_predefined_entity(&found);
                    match (found.resolve_char_ref(), plain) {
                        (Ok(Some(c)), _) => node.text.push(c),
                        (Ok(None), Some(plain)) => node.text += plain,
                        _ => return Err(format!("its entity &{}; is not known", &*found)),
                    }
                }
                Event::Eof => return Err("it ends within an element".to_owned()),
                _ => {}
            }
        }
    }

    /// What comes next, once it was looked at.
    fn event(&mut self) -> Result<Event<'a>, String> {
        let event = self.reader.read_event().map_err(|e| e.to_string())?;
        match &event {
            Event::DocType(_) => return Err("a document type (DOCTYPE) is not allowed".to_owned()),
            Event::Start(_) if self.depth == MOST_DEPTH => {
                return Err("its elements stand too deep".to_owned());
            }
            Event::Start(_) if self.elements == MOST_ELEMENTS => {
                return Err(format!("one feature has more than {MOST_ELEMENTS} elements"));
            }
            Event::Start(_) => {
                self.depth += 1;
                self.elements += 1;
            }
            Event::End(_) => self.depth -= 1,
            _ => {}
        }
        Ok(event)
    }

    fn open(&self, start: &BytesStart<'_>) -> Result<Node, String> {
        let (namespace, name) = self.reader.resolver().resolve_element(start.name());
        let is_gml = match namespace {
            ResolveResult::Bound(namespace) => GML.contains(&namespace.into_inner()),
            ResolveResult::Unbound => false,
            ResolveResult::Unknown(prefix) => return Err(format!("its prefix {prefix}: is not declared")),
        };
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            if attributes.len() == MOST_ATTRIBUTES {
                return Err("an element has too many attributes".to_owned());
            }
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value =
                attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|e| e.to_string())?.into_owned();
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
        }
        Ok(Node { name: name.as_ref().to_owned(), is_gml, attributes, ..Node::default() })
    }
}
