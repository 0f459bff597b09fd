//! Capabilities and process descriptions.

use serde_json::Value;

use super::Version;
use super::kinds::{Format, Kind, of_input, of_output};
use super::xml::{OWS1, OWS2, WPS1, WPS2, XLINK, XSI, Xml};
use crate::ogc::coerce::takes_array;
use crate::ogc::{ProcessDescription, ProcessSummary};

/// Coordinate reference systems of bounding boxes, the default first.
pub(super) const CRS: [&str; 3] = ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "EPSG:3857"];

/// Most values of an input that may be given more than once.
const MANY: &str = "1000";

/// The service, as its capabilities tell of it.
#[derive(Clone, Debug, Default)]
pub struct Service<'a> {
    /// Its name.
    pub title: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// Who runs it.
    pub provider: &'a str,
    /// The address of its WPS.
    pub url: &'a str,
}

fn head(version: Version) -> Vec<(&'static str, &'static str)> {
    let (wps, ows, location) = match version {
        Version::V1 => {
            (WPS1, OWS1, "http://www.opengis.net/wps/1.0.0 http://schemas.opengis.net/wps/1.0.0/wpsAll.xsd")
        }
        Version::V2 => {
            (WPS2, OWS2, "http://www.opengis.net/wps/2.0 http://schemas.opengis.net/wps/2.0/wps.xsd")
        }
    };
    vec![
        ("xmlns:wps", wps),
        ("xmlns:ows", ows),
        ("xmlns:xlink", XLINK),
        ("xmlns:xsi", XSI),
        ("xsi:schemaLocation", location),
        ("service", "WPS"),
        ("version", version.as_str()),
        ("xml:lang", "en"),
    ]
}

/// The capabilities of a service.
pub fn capabilities<'a>(
    service: &Service<'_>,
    processes: impl IntoIterator<Item = &'a ProcessSummary>,
    version: Version,
) -> String {
    let mut xml = Xml::document();
    xml.open("wps:Capabilities", &head(version));
    xml.open("ows:ServiceIdentification", &[]);
    xml.leaf("ows:Title", &[], service.title);
    xml.leaf("ows:Abstract", &[], service.description);
    xml.leaf("ows:ServiceType", &[], "WPS");
    for known in ["1.0.0", "2.0.0"] {
        xml.leaf("ows:ServiceTypeVersion", &[], known);
    }
    xml.leaf("ows:Fees", &[], "NONE");
    xml.leaf("ows:AccessConstraints", &[], "NONE");
    xml.close();
    xml.open("ows:ServiceProvider", &[]);
    xml.leaf(
        "ows:ProviderName",
        &[],
        if service.provider.is_empty() { service.title } else { service.provider },
    );
    xml.leaf("ows:ServiceContact", &[], "");
    xml.close();
    xml.open("ows:OperationsMetadata", &[]);
    let common = ["GetCapabilities", "DescribeProcess", "Execute"];
    let jobs: &[&str] = if version == Version::V2 { &["GetStatus", "GetResult", "Dismiss"] } else { &[] };
    for operation in common.iter().chain(jobs) {
        xml.open("ows:Operation", &[("name", operation)]);
        xml.open("ows:DCP", &[]);
        xml.open("ows:HTTP", &[]);
        xml.leaf("ows:Get", &[("xlink:href", &format!("{}?", service.url))], "");
        xml.leaf("ows:Post", &[("xlink:href", service.url)], "");
        xml.close();
        xml.close();
        xml.close();
    }
    xml.close();
    match version {
        Version::V1 => xml.open("wps:ProcessOfferings", &[]),
        Version::V2 => xml.open("wps:Contents", &[]),
    }
    for process in processes {
        match version {
            Version::V1 => xml.open("wps:Process", &[("wps:processVersion", process.version)]),
            Version::V2 => xml.open("wps:ProcessSummary", &offering(process)),
        }
        // The order of OWS Common 2.0 differs from that of 1.1.
        match version {
            Version::V1 => {
                xml.leaf("ows:Identifier", &[], process.id);
                xml.leaf("ows:Title", &[], process.title);
                xml.leaf("ows:Abstract", &[], &process.description);
            }
            Version::V2 => {
                xml.leaf("ows:Title", &[], process.title);
                xml.leaf("ows:Abstract", &[], &process.description);
                xml.leaf("ows:Identifier", &[], process.id);
            }
        }
        xml.close();
    }
    xml.close();
    if version == Version::V1 {
        xml.open("wps:Languages", &[]);
        for list in ["wps:Default", "wps:Supported"] {
            xml.open(list, &[]);
            xml.leaf("ows:Language", &[], "en");
            xml.close();
        }
        xml.close();
    }
    xml.finish()
}

fn offering(process: &ProcessSummary) -> [(&'static str, &'static str); 3] {
    [
        ("processVersion", process.version),
        ("jobControlOptions", "sync-execute async-execute dismiss"),
        ("outputTransmission", "value reference"),
    ]
}

/// The descriptions of processes.
pub fn descriptions<'a>(
    processes: impl IntoIterator<Item = &'a ProcessDescription>,
    version: Version,
) -> String {
    let mut xml = Xml::document();
    match version {
        Version::V1 => {
            xml.open("wps:ProcessDescriptions", &head(version));
            processes.into_iter().for_each(|process| describe_1(&mut xml, process));
        }
        Version::V2 => {
            let head: Vec<_> = head(version)
                .into_iter()
                .filter(|(k, _)| !matches!(*k, "service" | "version" | "xml:lang"))
                .collect();
            xml.open("wps:ProcessOfferings", &head);
            processes.into_iter().for_each(|process| describe_2(&mut xml, process));
        }
    }
    xml.finish()
}

fn words(xml: &mut Xml, name: &str, member: &Value, version: Version) {
    let title = member.get("title").and_then(Value::as_str).unwrap_or(name);
    let text = member.get("description").and_then(Value::as_str);
    if version == Version::V1 {
        xml.leaf("ows:Identifier", &[], name);
    }
    xml.leaf("ows:Title", &[], title);
    if let Some(text) = text {
        xml.leaf("ows:Abstract", &[], text);
    }
    if version == Version::V2 {
        xml.leaf("ows:Identifier", &[], name);
    }
}

fn unit(member: &Value) -> Option<&str> {
    let all = member.get("metadata")?.as_array()?;
    all.iter().find(|m| m["role"] == "uom")?.get("title")?.as_str()
}

fn occurs(member: &Value) -> (&'static str, &'static str) {
    let least = if member["minOccurs"] == 0 { "0" } else { "1" };
    (least, if takes_array(&member["schema"]) { MANY } else { "1" })
}

fn describe_1(xml: &mut Xml, process: &ProcessDescription) {
    let summary = &process.summary;
    let attributes =
        [("wps:processVersion", summary.version), ("storeSupported", "true"), ("statusSupported", "true")];
    xml.open("ProcessDescription", &attributes);
    xml.leaf("ows:Identifier", &[], summary.id);
    xml.leaf("ows:Title", &[], summary.title);
    xml.leaf("ows:Abstract", &[], &summary.description);
    if !process.inputs.is_empty() {
        xml.open("DataInputs", &[]);
        for (name, input) in &process.inputs {
            let kind = of_input(&input["schema"], Version::V1);
            let (least, most) = occurs(input);
            xml.open("Input", &[("minOccurs", least), ("maxOccurs", most)]);
            words(xml, name, input, Version::V1);
            kind_1(xml, &kind, unit(input), ["LiteralData", "ComplexData", "BoundingBoxData"], true);
            xml.close();
        }
        xml.close();
    }
    xml.open("ProcessOutputs", &[]);
    for (name, output) in &process.outputs {
        let kind = of_output(&output["schema"], Version::V1);
        xml.open("Output", &[]);
        words(xml, name, output, Version::V1);
        kind_1(xml, &kind, unit(output), ["LiteralOutput", "ComplexOutput", "BoundingBoxOutput"], false);
        xml.close();
    }
    xml.close();
    xml.close();
}

fn kind_1(xml: &mut Xml, kind: &Kind, unit: Option<&str>, [literal, complex, bbox]: [&str; 3], input: bool) {
    match kind {
        Kind::Literal { data_type, default, .. } => {
            xml.open(literal, &[]);
            data_type_element(xml, data_type);
            if let Some(unit) = unit {
                xml.open("UOMs", &[]);
                xml.open("Default", &[]);
                xml.leaf("ows:UOM", &[], unit);
                xml.close();
                xml.open("Supported", &[]);
                xml.leaf("ows:UOM", &[], unit);
                xml.close();
                xml.close();
            }
            if input {
                allowed(xml, kind);
                if let Some(default) = default {
                    xml.leaf("DefaultValue", &[], default);
                }
            }
            xml.close();
        }
        Kind::Complex(formats) => {
            xml.open(complex, &[]);
            xml.open("Default", &[]);
            formats.iter().take(1).for_each(|f| format_1(xml, f));
            xml.close();
            xml.open("Supported", &[]);
            for format in formats {
                format_1(xml, format);
            }
            xml.close();
            xml.close();
        }
        Kind::Bbox => {
            xml.open(bbox, &[]);
            xml.open("Default", &[]);
            xml.leaf("CRS", &[], CRS[0]);
            xml.close();
            xml.open("Supported", &[]);
            for crs in CRS {
                xml.leaf("CRS", &[], crs);
            }
            xml.close();
            xml.close();
        }
    }
}

fn format_1(xml: &mut Xml, format: &Format) {
    xml.open("Format", &[]);
    xml.leaf("MimeType", &[], &format.media_type);
    if format.base64 {
        xml.leaf("Encoding", &[], "base64");
    }
    xml.close();
}

fn data_type_element(xml: &mut Xml, data_type: &str) {
    let reference = format!("http://www.w3.org/2001/XMLSchema#{data_type}");
    xml.leaf("ows:DataType", &[("ows:reference", &reference)], data_type);
}

fn allowed(xml: &mut Xml, kind: &Kind) {
    let Kind::Literal { allowed, range, .. } = kind else { return };
    if allowed.is_empty() && *range == (None, None) {
        return xml.leaf("ows:AnyValue", &[], "");
    }
    xml.open("ows:AllowedValues", &[]);
    for word in allowed {
        xml.leaf("ows:Value", &[], word);
    }
    if allowed.is_empty() {
        xml.open("ows:Range", &[]);
        let (least, greatest) = range;
        for (name, bound) in [("ows:MinimumValue", least), ("ows:MaximumValue", greatest)] {
            if let Some(bound) = bound {
                xml.leaf(name, &[], bound);
            }
        }
        xml.close();
    }
    xml.close();
}

fn describe_2(xml: &mut Xml, process: &ProcessDescription) {
    let summary = &process.summary;
    xml.open("wps:ProcessOffering", &offering(summary));
    xml.open("wps:Process", &[]);
    xml.leaf("ows:Title", &[], summary.title);
    xml.leaf("ows:Abstract", &[], &summary.description);
    xml.leaf("ows:Identifier", &[], summary.id);
    for (name, input) in &process.inputs {
        let kind = of_input(&input["schema"], Version::V2);
        let (least, most) = occurs(input);
        xml.open("wps:Input", &[("minOccurs", least), ("maxOccurs", most)]);
        words(xml, name, input, Version::V2);
        kind_2(xml, &kind, unit(input));
        xml.close();
    }
    for (name, output) in &process.outputs {
        xml.open("wps:Output", &[]);
        words(xml, name, output, Version::V2);
        kind_2(xml, &of_output(&output["schema"], Version::V2), unit(output));
        xml.close();
    }
    xml.close();
    xml.close();
}

fn kind_2(xml: &mut Xml, kind: &Kind, unit: Option<&str>) {
    let mut plain = |name: &str, media_type: &str| {
        xml.open(name, &[]);
        xml.leaf("wps:Format", &[("mimeType", media_type), ("default", "true")], "");
    };
    match kind {
        Kind::Literal { data_type, default, .. } => {
            plain("wps:LiteralData", "text/plain");
            xml.open("LiteralDataDomain", &[("default", "true")]);
            allowed(xml, kind);
            data_type_element(xml, data_type);
            if let Some(unit) = unit {
                xml.leaf("ows:UOM", &[], unit);
            }
            if let Some(default) = default {
                xml.leaf("ows:DefaultValue", &[], default);
            }
            xml.close();
        }
        Kind::Bbox => {
            plain("wps:BoundingBoxData", "text/xml");
            for (index, crs) in CRS.iter().enumerate() {
                let default: &[(&str, &str)] = if index == 0 { &[("default", "true")] } else { &[] };
                xml.leaf("wps:SupportedCRS", default, crs);
            }
        }
        Kind::Complex(formats) => {
            xml.open("wps:ComplexData", &[]);
            for (index, format) in formats.iter().enumerate() {
                let mut attributes = vec![("mimeType", format.media_type.as_str())];
                attributes.extend(format.base64.then_some(("encoding", "base64")));
                attributes.extend((index == 0).then_some(("default", "true")));
                xml.leaf("wps:Format", &attributes, "");
            }
        }
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    #[test]
    fn capabilities_are_written() {
        let service =
            Service { title: "T & co", description: "D", provider: "P", url: "http://localhost/wps" };
        let process = description();
        insta::assert_snapshot!("capabilities_1", capabilities(&service, [&process.summary], Version::V1));
        insta::assert_snapshot!("capabilities_2", capabilities(&service, [&process.summary], Version::V2));
    }

    #[test]
    fn descriptions_are_written() {
        insta::assert_snapshot!("descriptions_1", descriptions([&description()], Version::V1));
        insta::assert_snapshot!("descriptions_2", descriptions([&description()], Version::V2));
    }
}
