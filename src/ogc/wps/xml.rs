//! Writing XML, and the gate that foreign XML goes through before it is read.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use super::{Exception, ExceptionCode};

/// Namespace of WPS 1.0.0.
pub const WPS1: &str = "http://www.opengis.net/wps/1.0.0";
/// Namespace of WPS 2.0.
pub const WPS2: &str = "http://www.opengis.net/wps/2.0";
/// Namespace of OWS Common as WPS 1.0.0 uses it.
pub const OWS1: &str = "http://www.opengis.net/ows/1.1";
/// Namespace of OWS Common as WPS 2.0 uses it.
pub const OWS2: &str = "http://www.opengis.net/ows/2.0";
/// Namespace of links.
pub const XLINK: &str = "http://www.w3.org/1999/xlink";
/// Namespace of schema locations.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Bytes of a request.
pub const MOST_BYTES: usize = 64 << 20;
const MOST_DEPTH: usize = 64;
const MOST_NODES: u32 = 2_000_000;
const MOST_ATTRIBUTES: usize = 128;

/// XML as it is written: elements open and close in order.
#[derive(Debug)]
pub struct Xml {
    text: String,
    open: Vec<String>,
}

impl Xml {
    /// A document with nothing in it yet.
    pub fn document() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
        self.text += "<";
        self.text += name;
        for (key, value) in attributes {
            self.text += &format!(" {key}=\"{}\"", escape(clean(value)));
        }
    }

    /// An element that others stand in.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.text += ">\n";
        self.open.push(name.to_owned());
    }

    /// The end of the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.text.extend(std::iter::repeat_n("  ", self.open.len()));
            self.text += &format!("</{name}>\n");
        }
    }

    /// An element with text, or nothing, in it.
    pub fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes);
        if text.is_empty() {
            self.text += "/>\n";
        } else {
            self.text += &format!(">{}</{name}>\n", escape(clean(text)));
        }
    }

    /// The text, with everything closed.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }
}

/// Text without the characters that XML 1.0 cannot hold.
fn clean(text: &str) -> String {
    let odd = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if odd(c) { '\u{fffd}' } else { c }).collect()
}

/// Reads foreign XML: no document type, no great depth, not too many nodes or attributes.
///
/// # Errors
/// Why it is refused.
pub fn read(text: &str) -> Result<roxmltree::Document<'_>, Exception> {
    let refuse = |what: &str| Exception::new(ExceptionCode::NoApplicableCode, what);
    if text.len() > MOST_BYTES {
        return Err(refuse("the request is too large"));
    }
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        let element = match reader.read_event() {
            Err(_) => return Err(refuse("the request is no well-formed XML")),
            Ok(Event::Eof) => break,
            Ok(Event::DocType(_)) => return Err(refuse("a document type (DOCTYPE) is not allowed")),
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > MOST_DEPTH {
                    return Err(refuse("the elements of the request stand too deep"));
                }
                element
            }
            Ok(Event::Empty(element)) => element,
            Ok(_) => continue,
        };
        if element.attributes().with_checks(false).take(MOST_ATTRIBUTES + 1).count() > MOST_ATTRIBUTES {
            return Err(refuse("an element of the request has too many attributes"));
        }
    }
    let options =
        roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..Default::default() };
    roxmltree::Document::parse_with_options(text, options)
        .map_err(|e| refuse(&format!("the request is no well-formed XML (at {})", e.pos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut xml = Xml::document();
        xml.open("a", &[("b", "<\"&'\u{1}")]);
        xml.leaf("c", &[], "x < y & z");
        let text = xml.finish();
        let document = read(&text).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("b"), Some("<\"&'\u{fffd}"));
        assert_eq!(root.first_element_child().unwrap().text(), Some("x < y & z"));
    }

    #[test]
    fn bombs_are_refused() {
        let say = |text: &str| read(text).map(|_| ()).unwrap_err().text;
        assert!(
            say("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>").contains("DOCTYPE")
        );
        assert!(say("<?xml version=\"1.0\"?>\n<!DOCTYPE a><a/>").contains("DOCTYPE"));
        assert!(say(&"<a>".repeat(100_000)).contains("too deep"));
        let attributes: String = (0..10_000).map(|i| format!(" a{i}=\"\"")).collect();
        assert!(say(&format!("<a{attributes}/>")).contains("too many attributes"));
        for broken in ["", "<a>", "x", "<a></b>", "<a>&b;</a>"] {
            assert!(say(broken).contains("well-formed"), "{broken}");
        }
    }
}
