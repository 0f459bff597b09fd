//! What stands beside a class map for programs that do not find the legend in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::classmap::Legend;
use crate::style::escape;

/// A file beside a class map.
#[derive(Clone, Copy, Debug)]
pub enum SideFile {
    /// `map.tif.aux.xml`: the category names as GDAL keeps them.
    Categories,
    /// `map.qml`: the style that QGIS takes up by itself. Without it QGIS lists all 256 entries
    /// that a colour table of bytes has.
    Style,
}

impl SideFile {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Categories, Self::Style];

    /// Where it stands for a map.
    pub fn path(self, map: &Path) -> PathBuf {
        match self {
            Self::Categories => {
                let mut name = map.as_os_str().to_owned();
                name.push(".aux.xml");
                name.into()
            }
            Self::Style => map.with_extension("qml"),
        }
    }

    /// What stands in it.
    pub fn text(self, legend: &Legend) -> String {
        match self {
            Self::Categories => categories(legend),
            Self::Style => crate::style::qml::of_classes(legend),
        }
    }
}

/// GDAL's metadata as it stands in a GeoTIFF: items by their attributes.
pub(super) fn metadata_xml(items: &[(String, String)]) -> String {
    let mut xml = String::from("<GDALMetadata>\n");
    for (attributes, value) in items {
        // GDAL writes and reads values escaped twice.
        let _ = writeln!(xml, "  <Item {attributes}>{}</Item>", escape(&escape(value)));
    }
    xml.push_str("</GDALMetadata>\n");
    xml
}

fn categories(legend: &Legend) -> String {
    let last = legend.classes.iter().map(|c| c.code).max().unwrap_or(0);
    let mut xml = String::from("<PAMDataset>\n  <PAMRasterBand band=\"1\">\n    <CategoryNames>\n");
    for code in 0..=last {
        let name = match legend.entry(code) {
            Some(class) => escape(&class.name),
            None if code == legend.nodata => "nodata".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(xml, "      <Category>{name}</Category>");
    }
    xml.push_str("    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_files_are_xml_that_names_every_class() {
        let legend = Legend::of_classes(&["single-rice", "a < \"b\" & c"]).unwrap();
        for side in SideFile::ALL {
            let text = side.text(&legend);
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let xml = roxmltree::Document::parse_with_options(&text, options).unwrap();
            let names: Vec<&str> = xml
                .descendants()
                .filter_map(|n| n.attribute("label").or(n.text().filter(|_| n.has_tag_name("Category"))))
                .collect();
            assert!(legend.classes.iter().all(|c| names.contains(&c.name.as_str())), "{side:?} {names:?}");
        }
        let map = Path::new("out/map.tif");
        assert_eq!(SideFile::Categories.path(map), Path::new("out/map.tif.aux.xml"));
        assert_eq!(SideFile::Style.path(map), Path::new("out/map.qml"));
    }
}
