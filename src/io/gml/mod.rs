//! Features of GML 2.1.2, 3.1 and 3.2, as GDAL, QGIS, OWSLib and servers of features write them:
//! collections of any name with their members, a feature, or a bare geometry.

mod shapes;
#[cfg(test)]
mod tests;
mod tree;

use geo::MapCoordsInPlace;

use self::tree::{Document, Node};
use super::IoError;
use super::vectors::RowSink;
use crate::crs::{Crs, NamedCrs};
use crate::vector::Value;

/// What features stand in, in a collection.
const MEMBERS: [&str; 4] = ["featureMember", "featureMembers", "member", "members"];
/// Names of coordinate systems of one document.
const MOST_SYSTEMS: usize = 16;

/// Reads GML feature by feature; only one is in memory at a time, beside the text.
///
/// # Errors
/// [`IoError`] names the document: no XML, a document type, no GML, several coordinate systems, or one that is
/// not known; and those of the sink.
pub(super) fn each(name: &str, bytes: &[u8], sink: &mut dyn RowSink) -> Result<(), IoError> {
    let fail = |e: String| IoError::read(name, format!("it is not GML: {e}"));
    let text = crate::text::xml(bytes, None).map_err(fail)?;
    let mut document = Document::new(&text);
    let mut rows =
        Rows { name, sink, systems: Vec::new(), is_told: false, crs: None, waiting: Vec::new(), count: 0 };
    let root = document.child().map_err(fail)?.ok_or_else(|| fail("it has no element".to_owned()))?;
    if shapes::is_geometry(&root) {
        let geometry = document.whole(root).map_err(fail)?;
        rows.push(Some(&geometry), None, Vec::new())?;
    } else if MEMBERS.contains(&root.name.as_str()) {
        members(&mut document, None, &mut rows)?;
    } else {
        collection(&mut document, root, &mut rows)?;
    }
    // What stands behind is looked at too.
    if document.child().map_err(fail)?.is_some() {
        return Err(fail("it has several roots".to_owned()));
    }
    rows.finish()
}

/// A collection by its members; what has none is a feature itself.
fn collection(document: &mut Document<'_>, mut node: Node, rows: &mut Rows<'_>) -> Result<(), IoError> {
    let fail = |rows: &Rows<'_>, e: String| IoError::read(rows.name, format!("it is not GML: {e}"));
    let (mut system, mut with_members) = (None, node.name.ends_with("Collection"));
    while let Some(child) = document.child().map_err(|e| fail(rows, e))? {
        if MEMBERS.contains(&child.name.as_str()) {
            with_members = true;
            members(document, system.as_deref(), rows)?;
            continue;
        }
        let child = document.more(child).map_err(|e| fail(rows, e))?;
        if child.name == "boundedBy" {
            system = system_of_bounds(&child);
        }
        if !with_members {
            node.children.push(child);
        }
    }
    if with_members {
        return Ok(());
    }
    if !node
        .children
        .iter()
        .any(|child| shapes::is_geometry(child) || child.children.iter().any(shapes::is_geometry))
    {
        let what = format!("<{}> is neither a collection of features nor one with a geometry", node.name);
        return Err(fail(rows, what));
    }
    rows.feature(&node, None)
}

/// The features in a member, some of which may be collections again.
fn members(document: &mut Document<'_>, system: Option<&str>, rows: &mut Rows<'_>) -> Result<(), IoError> {
    let fail = |rows: &Rows<'_>, e: String| IoError::read(rows.name, format!("it is not GML: {e}"));
    while let Some(feature) = document.child().map_err(|e| fail(rows, e))? {
        if feature.name == "FeatureCollection" {
            collection(document, feature, rows)?;
            continue;
        }
        let feature = document.whole(feature).map_err(|e| fail(rows, e))?;
        rows.feature(&feature, system)?;
    }
    Ok(())
}

/// The coordinate system that a `boundedBy` names.
fn system_of_bounds(node: &Node) -> Option<String> {
    node.named(&["Envelope", "Box"]).find_map(|bounds| bounds.attribute("srsName")).map(str::to_owned)
}

/// A row whose place is not told yet, as nothing named a coordinate system so far.
type Placeless = Vec<(String, Value)>;

/// Brings features to a sink, in the one coordinate system of the document.
struct Rows<'a> {
    name: &'a str,
    sink: &'a mut dyn RowSink,
    /// The coordinate systems by the names that they have here, and whether y stands first in them.
    systems: Vec<(String, Crs, bool)>,
    /// Whether the sink was told the coordinate system, and which.
    is_told: bool,
    crs: Option<Crs>,
    waiting: Vec<Placeless>,
    count: usize,
}

impl Rows<'_> {
    fn feature(&mut self, feature: &Node, system: Option<&str>) -> Result<(), IoError> {
        let (mut geometry, mut own, mut properties) = (None, None, Vec::new());
        for child in &feature.children {
            let nil = child.attribute("nil").is_some_and(|nil| nil == "true" || nil == "1");
            let found = if shapes::is_geometry(child) {
                Some(child)
            } else {
                child.children.iter().find(|c| shapes::is_geometry(c))
            };
            if child.name == "boundedBy" {
                own = system_of_bounds(child);
            } else if let Some(found) = found {
                geometry = geometry.or(Some(found));
            } else if nil {
                properties.push((child.name.clone(), Value::Null));
            } else if child.children.is_empty() {
                properties.push((child.name.clone(), Value::parse(&child.text)));
            }
        }
        let id = feature.attribute("id").or_else(|| feature.attribute("fid"));
        if let Some(id) = id.filter(|_| !properties.iter().any(|(name, _)| name == "id")) {
            properties.push(("id".to_owned(), Value::Text(id.to_owned())));
        }
        self.push(geometry, own.as_deref().or(system), properties)
    }

    fn push(
        &mut self,
        geometry: Option<&Node>,
        system: Option<&str>,
        properties: Placeless,
    ) -> Result<(), IoError> {
        self.count += 1;
        let Some(node) = geometry else {
            if self.is_told {
                return self.sink.row(None, properties);
            }
            self.waiting.push(properties);
            return Ok(());
        };
        let (crs, north_first) = match named(node).or(system) {
            Some(system) => {
                let (crs, north_first) = self.system(system)?;
                (Some(crs), north_first)
            }
            None => (None, false),
        };
        self.tell(crs)?;
        let mut geometry = shapes::geometry(node).transpose();
        if let (Some(Ok(geometry)), true) = (&mut geometry, north_first) {
            geometry.map_coords_in_place(|c| geo::Coord { x: c.y, y: c.x });
        }
        self.sink.row(geometry, properties)
    }

    /// Tells the sink the coordinate system, or holds it against the one that was told.
    fn tell(&mut self, crs: Option<Crs>) -> Result<(), IoError> {
        if self.is_told {
            return match (&self.crs, crs) {
                (_, None) => Ok(()),
                (Some(told), Some(crs)) if *told == crs => Ok(()),
                (told, Some(crs)) => {
                    let told = told.as_ref().map_or_else(|| "no system that is named".to_owned(), Crs::name);
                    let (k, crs) = (self.count, crs.name());
                    let why = format!("feature {k} is in {crs}, those before it in {told}; bring all to one");
                    Err(IoError::read(self.name, why))
                }
            };
        }
        self.sink.crs(crs.clone())?;
        (self.is_told, self.crs) = (true, crs);
        for properties in std::mem::take(&mut self.waiting) {
            self.sink.row(None, properties)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), IoError> {
        if !self.is_told {
            self.tell(None)?;
        }
        Ok(())
    }

    /// The coordinate system of a name, and whether y stands first under this name.
    fn system(&mut self, name: &str) -> Result<(Crs, bool), IoError> {
        if let Some((_, crs, north_first)) = self.systems.iter().find(|(known, ..)| known == name) {
            return Ok((crs.clone(), *north_first));
        }
        if self.systems.len() == MOST_SYSTEMS {
            let why = format!("its coordinate systems have more than {MOST_SYSTEMS} names");
            return Err(IoError::read(self.name, why));
        }
        let NamedCrs { crs, north_first } = NamedCrs::parse(name).map_err(|e| IoError::crs(self.name, e))?;
        self.systems.push((name.to_owned(), crs.clone(), north_first));
        Ok((crs, north_first))
    }
}

/// The coordinate system that a geometry, or the first of its parts that does, names.
fn named(node: &Node) -> Option<&str> {
    node.attribute("srsName").or_else(|| node.children.iter().find_map(named))
}
