//! Requests as XML.

use std::borrow::Cow;

use roxmltree::Node;

use super::kvp::{negotiate, truth};
use super::xml::{self, WPS1, WPS2, XLINK};
use super::{Exception, ExceptionCode, Operation, Version, WpsExecute, WpsInput, WpsOutput, WpsRequest};
use crate::ogc::{Mode, Transmission};

/// The text of the body of a request, which is in the encoding that its media type or its XML declares.
///
/// # Errors
/// Bytes that are none of that encoding.
pub fn text_of_body<'a>(bytes: &'a [u8], media_type: &str) -> Result<Cow<'a, str>, Exception> {
    let parameters = media_type.split(';').skip(1).filter_map(|p| p.split_once('='));
    let charset = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let charset = charset.map(|(_, value)| value.trim().trim_matches('"'));
    crate::text::xml(bytes, charset).map_err(|e| {
        Exception::new(ExceptionCode::NoApplicableCode, format!("the body cannot be read as XML: {e}"))
    })
}

/// Reads the XML body of a request.
///
/// # Errors
/// What is missing or wrong, with the element or attribute as the locator.
pub fn parse_xml(text: &str) -> Result<WpsRequest, Exception> {
    let document = xml::read(text)?;
    let root = document.root_element();
    let version = match root.tag_name().namespace() {
        Some(WPS1) => Version::V1,
        Some(WPS2) => Version::V2,
        _ => {
            let text = format!("{} is no request of WPS 1.0.0 or 2.0", root.tag_name().name());
            return Err(Exception::new(ExceptionCode::OperationNotSupported, text));
        }
    };
    if let Some(service) = root.attribute("service")
        && !service.eq_ignore_ascii_case("WPS")
    {
        return Err(Exception::invalid("service", format!("{service} is not served here, WPS is")));
    }
    let name = root.tag_name().name();
    if name == "GetCapabilities" {
        let named: Vec<&str> =
            children(root, "AcceptVersions").flat_map(|n| children(n, "Version")).map(content).collect();
        let version = if named.is_empty() { version } else { negotiate(named.into_iter())? };
        return Ok(WpsRequest { version, operation: Operation::GetCapabilities });
    }
    if let Some(text) = root.attribute("version")
        && Version::of(text) != Some(version)
    {
        return Err(Exception::invalid("version", format!("version {text} does not go with this namespace")));
    }
    let job =
        || child(root, "JobID").map(|n| content(n).to_owned()).ok_or_else(|| Exception::missing("JobID"));
    let operation = match (name, version) {
        ("DescribeProcess", _) => {
            let ids: Vec<String> = children(root, "Identifier").map(|n| content(n).to_owned()).collect();
            if ids.is_empty() {
                return Err(Exception::missing("Identifier"));
            }
            Operation::DescribeProcess(ids)
        }
        ("Execute", Version::V1) => Operation::Execute(execute_1(root)?),
        ("Execute", Version::V2) => Operation::Execute(execute_2(root)?),
        ("GetStatus", Version::V2) => Operation::GetStatus(job()?),
        ("GetResult", Version::V2) => Operation::GetResult(job()?),
        ("Dismiss", Version::V2) => Operation::Dismiss(job()?),
        _ => {
            let text = format!("{name} is no operation of WPS {}", version.as_str());
            return Err(Exception::new(ExceptionCode::OperationNotSupported, text).at(name));
        }
    };
    Ok(WpsRequest { version, operation })
}

/// In which version a body that cannot be read is refused: the one whose namespace stands in it.
pub fn version_of_body(text: &str) -> Version {
    if text.contains(WPS2) { Version::V2 } else { Version::V1 }
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |n| n.is_element() && n.tag_name().name() == name)
}

fn child<'a, 'input: 'a>(node: Node<'a, 'input>, name: &'static str) -> Option<Node<'a, 'input>> {
    children(node, name).next()
}

fn content<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// All text below, that of CDATA sections too.
fn whole_text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|n| n.text()).collect()
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned)
}

fn identifier(node: Node<'_, '_>) -> Result<String, Exception> {
    let id = child(node, "Identifier").map(content).filter(|id| !id.is_empty());
    id.map(str::to_owned).ok_or_else(|| Exception::missing("Identifier"))
}

fn execute_1(root: Node<'_, '_>) -> Result<WpsExecute, Exception> {
    let mut request =
        WpsExecute { identifier: identifier(root)?, mode: Some(Mode::Sync), ..WpsExecute::default() };
    for node in children(root, "DataInputs").flat_map(|n| children(n, "Input")) {
        let name = identifier(node)?;
        let input = input_1(node, &name)?;
        request.inputs.push((name, input));
    }
    let Some(form) = child(root, "ResponseForm") else { return Ok(request) };
    if let Some(node) = child(form, "RawDataOutput") {
        request.raw = true;
        request.outputs.push(output_1(node)?);
    } else if let Some(document) = child(form, "ResponseDocument") {
        let flag = |name: &str| document.attribute(name).is_some_and(truth);
        request.store = flag("storeExecuteResponse");
        request.lineage = flag("lineage");
        if request.store && flag("status") {
            request.mode = Some(Mode::Async);
        }
        for node in children(document, "Output") {
            request.outputs.push(output_1(node)?);
        }
    }
    Ok(request)
}

fn output_1(node: Node<'_, '_>) -> Result<WpsOutput, Exception> {
    let transmission = node
        .attribute("asReference")
        .map(|text| if truth(text) { Transmission::Reference } else { Transmission::Value });
    Ok(WpsOutput { name: identifier(node)?, media_type: attribute(node, "mimeType"), transmission })
}

fn input_1(node: Node<'_, '_>, name: &str) -> Result<WpsInput, Exception> {
    if let Some(link) = child(node, "Reference") {
        return reference(link, name);
    }
    let data =
        child(node, "Data").ok_or_else(|| Exception::invalid(name, "has neither Data nor Reference"))?;
    if let Some(literal) = child(data, "LiteralData") {
        return Ok(WpsInput::Text(whole_text(literal)));
    }
    if let Some(complex) = child(data, "ComplexData") {
        return Ok(complex_data(complex));
    }
    if let Some(bbox) = child(data, "BoundingBoxData") {
        return bounding_box(bbox, name);
    }
    Err(Exception::invalid(name, "has neither LiteralData nor ComplexData nor BoundingBoxData"))
}

fn execute_2(root: Node<'_, '_>) -> Result<WpsExecute, Exception> {
    let mut request = WpsExecute { identifier: identifier(root)?, ..WpsExecute::default() };
    request.mode = match root.attribute("mode") {
        None | Some("auto") => Some(Mode::Auto),
        Some("sync") => Some(Mode::Sync),
        Some("async") => Some(Mode::Async),
        Some(other) => {
            return Err(Exception::invalid("mode", format!("{other} is neither sync, async nor auto")));
        }
    };
    request.raw = match root.attribute("response") {
        None | Some("document") => false,
        Some("raw") => true,
        Some(other) => {
            return Err(Exception::invalid("response", format!("{other} is neither raw nor document")));
        }
    };
    let id = |node: Node<'_, '_>| attribute(node, "id").ok_or_else(|| Exception::missing("id"));
    for node in children(root, "Input") {
        let name = id(node)?;
        let input = input_2(node, &name)?;
        request.inputs.push((name, input));
    }
    for node in children(root, "Output") {
        let transmission = match node.attribute("transmission") {
            None => None,
            Some("value") => Some(Transmission::Value),
            Some("reference") => Some(Transmission::Reference),
            Some(other) => {
                return Err(Exception::invalid(
                    "transmission",
                    format!("{other} is neither value nor reference"),
                ));
            }
        };
        request.outputs.push(WpsOutput {
            name: id(node)?,
            media_type: attribute(node, "mimeType"),
            transmission,
        });
    }
    Ok(request)
}

fn input_2(node: Node<'_, '_>, name: &str) -> Result<WpsInput, Exception> {
    if let Some(link) = child(node, "Reference") {
        return reference(link, name);
    }
    if child(node, "Input").is_some() {
        return Err(Exception::invalid(name, "nested inputs are not supported"));
    }
    let data =
        child(node, "Data").ok_or_else(|| Exception::invalid(name, "has neither Data nor Reference"))?;
    if let Some(literal) = child(data, "LiteralValue").or_else(|| child(data, "LiteralData")) {
        return Ok(WpsInput::Text(whole_text(literal)));
    }
    if let Some(bbox) = child(data, "BoundingBox").or_else(|| child(data, "BoundingBoxData")) {
        return bounding_box(bbox, name);
    }
    if let Some(complex) = child(data, "ComplexData") {
        return Ok(complex_data(complex));
    }
    Ok(match complex_data(data) {
        // A bare text may be a literal.
        WpsInput::Complex { content, media_type, encoding: None }
            if media_type.as_deref().is_none_or(|m| m.starts_with("text/plain")) =>
        {
            WpsInput::Text(content)
        }
        other => other,
    })
}

fn reference(link: Node<'_, '_>, name: &str) -> Result<WpsInput, Exception> {
    let post = link.attribute("method").is_some_and(|m| m.eq_ignore_ascii_case("POST"));
    if post || child(link, "Body").is_some() || child(link, "BodyReference").is_some() {
        let text = "a reference is read by GET only";
        return Err(Exception::new(ExceptionCode::OptionNotSupported, text).at(name));
    }
    let href = link.attribute((XLINK, "href")).or_else(|| link.attribute("href")).unwrap_or_default().trim();
    if href.is_empty() {
        return Err(Exception::invalid(name, "the reference has no href"));
    }
    Ok(WpsInput::Reference { href: href.to_owned(), media_type: attribute(link, "mimeType") })
}

fn complex_data(node: Node<'_, '_>) -> WpsInput {
    let encoding = attribute(node, "encoding").filter(|e| e.eq_ignore_ascii_case("base64"));
    let content = match node.first_element_child() {
        Some(element) => standing_alone(element),
        None => whole_text(node),
    };
    WpsInput::Complex { content, media_type: attribute(node, "mimeType"), encoding }
}

/// An element as a document of its own: with the namespaces that were declared around it.
fn standing_alone(element: Node<'_, '_>) -> String {
    let source = &element.document().input_text()[element.range()];
    let name = source[1..]
        .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .map_or(source.len(), |n| n + 1);
    let (start, rest) = source.split_at(name);
    let tag = rest.split('>').next().unwrap_or_default();
    let mut text = start.to_owned();
    for namespace in element.namespaces() {
        let key = match namespace.name() {
            Some("xml") => continue,
            Some(prefix) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        if !tag.contains(&format!("{key}=")) {
            text += &format!(" {key}=\"{}\"", quick_xml::escape::escape(namespace.uri()));
        }
    }
    text + rest
}

fn bounding_box(node: Node<'_, '_>, name: &str) -> Result<WpsInput, Exception> {
    let corner = |which| {
        let numbers: Vec<f64> = child(node, which)
            .map(|n| {
                content(n)
                    .split([' ', ',', '\n', '\t'])
                    .filter(|p| !p.is_empty())
                    .map_while(|p| p.parse().ok())
                    .collect()
            })
            .unwrap_or_default();
        match numbers.as_slice() {
            [x, y] if x.is_finite() && y.is_finite() => Ok([*x, *y]),
            _ => Err(Exception::invalid(name, format!("{which} is not two numbers"))),
        }
    };
    let ([left, bottom], [right, top]) = (corner("LowerCorner")?, corner("UpperCorner")?);
    Ok(WpsInput::Bbox { corners: [left, bottom, right, top], crs: attribute(node, "crs") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD_1: &str = r#"xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"
        xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:gml="http://www.opengis.net/gml" service="WPS" version="1.0.0""#;
    const HEAD_2: &str = r#"xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
        xmlns:xlink="http://www.w3.org/1999/xlink" service="WPS" version="2.0.0""#;

    fn execution(text: &str) -> WpsExecute {
        match parse_xml(text).unwrap().operation {
            Operation::Execute(execute) => execute,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_execution_of_1_0_is_read() {
        let request = execution(&format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><wps:Execute {HEAD_1}><ows:Identifier>demo</ows:Identifier>
            <wps:DataInputs>
            <wps:Input><ows:Identifier>text</ows:Identifier><wps:Data><wps:LiteralData dataType="xs:string">a &amp; b</wps:LiteralData></wps:Data></wps:Input>
            <wps:Input><ows:Identifier>file</ows:Identifier><wps:Data><wps:ComplexData mimeType="text/xml; subtype=gml/3.1.1">
              <gml:Point srsName="EPSG:4326"><gml:pos>1 2</gml:pos></gml:Point></wps:ComplexData></wps:Data></wps:Input>
            <wps:Input><ows:Identifier>object</ows:Identifier><wps:Data><wps:ComplexData mimeType="application/json"><![CDATA[{{"a": 1}}]]></wps:ComplexData></wps:Data></wps:Input>
            <wps:Input><ows:Identifier>cube</ows:Identifier><wps:Reference xlink:href="http://x/y?a=1&amp;b=2" mimeType="application/json"/></wps:Input>
            <wps:Input><ows:Identifier>bbox</ows:Identifier><wps:Data><wps:BoundingBoxData crs="EPSG:4326" dimensions="2"><ows:LowerCorner>1 2</ows:LowerCorner><ows:UpperCorner>3 4</ows:UpperCorner></wps:BoundingBoxData></wps:Data></wps:Input>
            </wps:DataInputs>
            <wps:ResponseForm><wps:ResponseDocument storeExecuteResponse="true" status="true" lineage="true">
            <wps:Output asReference="true" mimeType="text/csv"><ows:Identifier>zones</ows:Identifier></wps:Output>
            </wps:ResponseDocument></wps:ResponseForm></wps:Execute>"#
        ));
        insta::assert_debug_snapshot!("execute_1", request);
        let WpsInput::Complex { content, .. } = &request.inputs[1].1 else { panic!() };
        assert_eq!(
            roxmltree::Document::parse(content).unwrap().root_element().tag_name().namespace(),
            Some("http://www.opengis.net/gml")
        );
    }

    #[test]
    fn a_request_of_owslib_is_read() {
        let request = execution(
            r#"<wps100:Execute xmlns:wps100="http://www.opengis.net/wps/1.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" service="WPS" version="1.0.0" xsi:schemaLocation="http://www.opengis.net/wps/1.0.0 http://schemas.opengis.net/wps/1.0.0/wpsExecute_request.xsd">
  <ows110:Identifier xmlns:ows110="http://www.opengis.net/ows/1.1">demo</ows110:Identifier>
  <wps100:DataInputs>
    <wps100:Input>
      <ows110:Identifier xmlns:ows110="http://www.opengis.net/ows/1.1">file</ows110:Identifier>
      <wps100:Data>
        <wps100:ComplexData mimeType="application/geo+json">{"type":"FeatureCollection","features":[]}</wps100:ComplexData>
      </wps100:Data>
    </wps100:Input>
    <wps100:Input>
      <ows110:Identifier xmlns:ows110="http://www.opengis.net/ows/1.1">text</ows110:Identifier>
      <wps100:Data><wps100:LiteralData>a</wps100:LiteralData></wps100:Data>
    </wps100:Input>
  </wps100:DataInputs>
  <wps100:ResponseForm>
    <wps100:ResponseDocument storeExecuteResponse="true" status="true" lineage="true">
      <wps100:Output mimeType="text/csv" asReference="true">
        <ows110:Identifier xmlns:ows110="http://www.opengis.net/ows/1.1">zones</ows110:Identifier>
      </wps100:Output>
    </wps100:ResponseDocument>
  </wps100:ResponseForm>
</wps100:Execute>"#,
        );
        assert_eq!(request.mode, Some(Mode::Async));
        let request = request.to_execute(&crate::ogc::testing::description()).unwrap();
        assert_eq!(request.inputs["file"]["type"], "FeatureCollection");
        assert_eq!(request.transmission("zones"), Some(Transmission::Reference));
    }

    #[test]
    fn an_execution_of_2_0_is_read() {
        let request = execution(&format!(
            r#"<wps:Execute {HEAD_2} response="raw" mode="async"><ows:Identifier>demo</ows:Identifier>
            <wps:Input id="text"><wps:Data><wps:LiteralValue>hello</wps:LiteralValue></wps:Data></wps:Input>
            <wps:Input id="radius"><wps:Data>7</wps:Data></wps:Input>
            <wps:Input id="bytes"><wps:Data mimeType="image/png" encoding="base64">aGk=</wps:Data></wps:Input>
            <wps:Input id="cube"><wps:Reference xlink:href="http://x" mimeType="application/json"/></wps:Input>
            <wps:Output id="zones" transmission="value" mimeType="text/csv"/></wps:Execute>"#
        ));
        insta::assert_debug_snapshot!("execute_2", request);
    }

    #[test]
    fn the_other_operations_are_read() {
        let operation = |text: String| parse_xml(&text).map(|r| (r.version, r.operation));
        assert_eq!(
            operation(format!(
                "<wps:GetCapabilities {HEAD_1}><wps:AcceptVersions><ows:Version>2.0.0</ows:Version></wps:AcceptVersions></wps:GetCapabilities>"
            )),
            Ok((Version::V2, Operation::GetCapabilities))
        );
        assert_eq!(
            operation(format!(
                "<wps:DescribeProcess {HEAD_2}><ows:Identifier>ALL</ows:Identifier></wps:DescribeProcess>"
            )),
            Ok((Version::V2, Operation::DescribeProcess(vec!["ALL".into()])))
        );
        for (name, expected) in [
            ("GetStatus", Operation::GetStatus("7".into())),
            ("GetResult", Operation::GetResult("7".into())),
            ("Dismiss", Operation::Dismiss("7".into())),
        ] {
            let text = format!("<wps:{name} {HEAD_2}><wps:JobID> 7 </wps:JobID></wps:{name}>");
            assert_eq!(operation(text), Ok((Version::V2, expected)));
        }
    }

    #[test]
    fn mistakes_have_code_and_locator() {
        let fault = |text: String| {
            let fault = parse_xml(&text).unwrap_err();
            (fault.code, fault.locator.unwrap_or_default())
        };
        assert_eq!(fault("<Execute/>".into()).0, ExceptionCode::OperationNotSupported);
        assert_eq!(fault(format!("<wps:GetStatus {HEAD_1}/>")).0, ExceptionCode::OperationNotSupported);
        assert_eq!(fault(format!("<wps:GetStatus {HEAD_2}/>")).1, "JobID");
        assert_eq!(fault(format!("<wps:Execute {HEAD_2}/>")).1, "Identifier");
        assert_eq!(
            fault(format!(
                "<wps:Execute {HEAD_2} mode=\"x\"><ows:Identifier>a</ows:Identifier></wps:Execute>"
            ))
            .1,
            "mode"
        );
        let post = format!(
            "<wps:Execute {HEAD_2}><ows:Identifier>a</ows:Identifier><wps:Input id=\"b\"><wps:Reference xlink:href=\"http://x\"><wps:Body/></wps:Reference></wps:Input></wps:Execute>"
        );
        assert_eq!(fault(post), (ExceptionCode::OptionNotSupported, "b".into()));
        assert_eq!(fault("<!DOCTYPE x><x/>".into()).0, ExceptionCode::NoApplicableCode);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[<>/a-z:=\"' &;!\\[\\]-]{0,80}") {
            _ = parse_xml(&text);
            _ = parse_xml(&format!("<wps:Execute {HEAD_2}><ows:Identifier>a</ows:Identifier>{text}</wps:Execute>"));
        }
    }
}
