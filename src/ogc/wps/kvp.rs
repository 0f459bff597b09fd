//! Requests by key and value: keys in any case, unknown keys ignored.

use super::{Exception, ExceptionCode, Operation, Version, WpsExecute, WpsInput, WpsOutput, WpsRequest};
use crate::ogc::{Mode, Transmission};

/// Reads the query string of a request.
///
/// # Errors
/// What is missing or wrong, with the key as the locator.
pub fn parse_kvp(query: &str) -> Result<WpsRequest, Exception> {
    let keys = Keys::read(query);
    match keys.get("service") {
        None => return Err(Exception::missing("service")),
        Some(service) if !service.eq_ignore_ascii_case("WPS") => {
            return Err(Exception::invalid("service", format!("{service} is not served here, WPS is")));
        }
        Some(_) => {}
    }
    let request = keys.get("request").ok_or_else(|| Exception::missing("request"))?;
    let name = request.to_ascii_lowercase();
    if name == "getcapabilities" {
        return Ok(WpsRequest { version: accepted(&keys)?, operation: Operation::GetCapabilities });
    }
    let job = || keys.get("jobid").ok_or_else(|| Exception::missing("JobID"));
    let (operation, usual) = match name.as_str() {
        "describeprocess" => {
            let named = keys.get("identifier").ok_or_else(|| Exception::missing("Identifier"))?;
            let ids = named.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
            (Operation::DescribeProcess(ids.collect()), None)
        }
        "execute" => (Operation::Execute(execute(&keys)?), None),
        "getstatus" => (Operation::GetStatus(job()?), Some(Version::V2)),
        "getresult" => (Operation::GetResult(job()?), Some(Version::V2)),
        "dismiss" => (Operation::Dismiss(job()?), Some(Version::V2)),
        _ => {
            let text = format!("{request} is no operation of WPS");
            return Err(Exception::new(ExceptionCode::OperationNotSupported, text).at(&request));
        }
    };
    let version = match (keys.get("version"), usual) {
        (Some(text), _) => Version::of(&text).ok_or_else(|| {
            Exception::invalid("version", format!("version {text} is not served, 1.0.0 and 2.0.0 are"))
        })?,
        (None, Some(usual)) => usual,
        (None, None) => return Err(Exception::missing("version")),
    };
    Ok(WpsRequest { version, operation })
}

/// In which version a query that cannot be read is refused: the one it names, or the newest where that is
/// not known.
pub fn version_of_query(query: &str) -> Version {
    let named = Keys::read(query).get("version");
    named.map_or(Version::V1, |text| Version::of(&text).unwrap_or(Version::V2))
}

/// The first version that both know; the highest where none is named.
fn accepted(keys: &Keys<'_>) -> Result<Version, Exception> {
    let Some(named) = keys.get("acceptversions").or_else(|| keys.get("version")) else {
        return Ok(Version::V2);
    };
    negotiate(named.split(','))
}

pub(super) fn negotiate<'a>(mut named: impl Iterator<Item = &'a str>) -> Result<Version, Exception> {
    named.find_map(Version::of).ok_or_else(|| {
        let text = "none of the versions is served, 1.0.0 and 2.0.0 are";
        Exception::new(ExceptionCode::VersionNegotiationFailed, text).at("AcceptVersions")
    })
}

fn execute(keys: &Keys<'_>) -> Result<WpsExecute, Exception> {
    let identifier = keys.get("identifier").ok_or_else(|| Exception::missing("Identifier"))?;
    let inputs = keys.parts("datainputs").into_iter().filter_map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((&part, ""));
        let (name, attributes) = (name.trim().to_owned(), Attributes::of(value));
        (!name.is_empty()).then(|| (name, attributes.into_input()))
    });
    let raw = keys.get("rawdataoutput").is_some();
    let named = keys.parts(if raw { "rawdataoutput" } else { "responsedocument" });
    let outputs = named.into_iter().filter_map(|part| {
        let (name, rest) =
            part.split_once('@').map_or((part.as_str(), String::new()), |(n, r)| (n, format!("@{r}")));
        let attributes = Attributes::of(&rest);
        let transmission = attributes
            .get("asreference")
            .map(|text| if truth(text) { Transmission::Reference } else { Transmission::Value });
        let media_type = attributes.get("mimetype").map(str::to_owned);
        let name = name.trim().to_owned();
        (!name.is_empty()).then_some(WpsOutput { name, media_type, transmission })
    });
    let flag = |key: &str| keys.get(key).is_some_and(|text| truth(&text));
    let store = flag("storeexecuteresponse");
    let mode = match keys.get("mode").map(|m| m.to_ascii_lowercase()).as_deref() {
        Some("async") => Mode::Async,
        Some("auto") => Mode::Auto,
        None if store && flag("status") => Mode::Async,
        _ => Mode::Sync,
    };
    Ok(WpsExecute {
        identifier,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        raw: raw || keys.get("response").is_some_and(|form| form.eq_ignore_ascii_case("raw")),
        mode: Some(mode),
        store,
        lineage: flag("lineage"),
    })
}

pub(super) fn truth(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1")
}

/// Keys in lower case, values as they stood in the query.
struct Keys<'a>(Vec<(String, &'a str)>);

impl<'a> Keys<'a> {
    fn read(query: &'a str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(key, value)| (decode(key).to_ascii_lowercase(), value)).collect())
    }

    fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| *value)
    }

    fn get(&self, key: &str) -> Option<String> {
        self.raw(key).map(decode).filter(|value| !value.trim().is_empty())
    }

    /// The parts of a list with `;`, decoded. The separators stand in the query as they are, or
    /// encoded with everything else.
    fn parts(&self, key: &str) -> Vec<String> {
        let Some(raw) = self.raw(key) else { return Vec::new() };
        if raw.contains([';', '=', '@']) {
            return raw.split(';').map(decode).filter(|p| !p.is_empty()).collect();
        }
        let text = decode(raw);
        text.split(';').map(again).filter(|p| !p.is_empty()).collect()
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Separators that were encoded once more inside a list that was encoded as a whole.
fn again(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `value@mimeType=..@encoding=..`
struct Attributes {
    value: String,
    named: Vec<(String, String)>,
}

impl Attributes {
    fn of(text: &str) -> Self {
        const KNOWN: [&str; 10] = [
            "mimetype",
            "encoding",
            "schema",
            "href",
            "uom",
            "datatype",
            "method",
            "asreference",
            "crs",
            "format",
        ];
        let mut parts = text.split('@');
        let mut all = Self { value: parts.next().unwrap_or_default().to_owned(), named: Vec::new() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_lowercase();
            let name = name.strip_prefix("xlink:").unwrap_or(&name).to_owned();
            if KNOWN.contains(&name.as_str()) {
                all.named.push((name, value.to_owned()));
            } else if let Some((_, last)) = all.named.last_mut() {
                *last += &format!("@{part}");
            } else {
                all.value += &format!("@{part}");
            }
        }
        all
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn into_input(self) -> WpsInput {
        let own = |name: &str| self.get(name).map(str::to_owned);
        let (media_type, encoding) = (own("mimetype").or_else(|| own("format")), own("encoding"));
        if let Some(href) = own("href") {
            return WpsInput::Reference { href, media_type };
        }
        let packed = encoding.filter(|e| e.eq_ignore_ascii_case("base64"));
        if media_type.is_some() || packed.is_some() {
            return WpsInput::Complex { content: self.value, media_type, encoding: packed };
        }
        match own("crs") {
            Some(crs) => WpsInput::Text(format!("{},{crs}", self.value)),
            None => WpsInput::Text(self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn execution(query: &str) -> WpsExecute {
        match parse_kvp(&format!("service=WPS&version=1.0.0&request=Execute&identifier=demo&{query}"))
            .unwrap()
        {
            WpsRequest { operation: Operation::Execute(execute), version: Version::V1 } => execute,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_stand_in_any_case_and_unknown_ones_do_no_harm() {
        let request =
            parse_kvp("SERVICE=wps&Request=getCapabilities&foo=bar&AcceptVersions=3.0.0,1.0.0").unwrap();
        assert_eq!(request, WpsRequest { version: Version::V1, operation: Operation::GetCapabilities });
        assert_eq!(parse_kvp("service=WPS&request=GetCapabilities").unwrap().version, Version::V2);
        let request = parse_kvp("service=WPS&version=2.0.0&request=DescribeProcess&IDENTIFIER=a,b").unwrap();
        assert_eq!(request.operation, Operation::DescribeProcess(vec!["a".into(), "b".into()]));
        let request = parse_kvp("service=WPS&version=2.0.0&request=GetStatus&jobid=7").unwrap();
        assert_eq!(request.operation, Operation::GetStatus("7".into()));
    }

    #[test]
    fn a_query_that_cannot_be_read_is_refused_in_the_version_it_names() {
        assert_eq!(version_of_query("service=WMS&VERSION=2.0.0"), Version::V2);
        assert_eq!(version_of_query("version=3.0.0"), Version::V2);
        assert_eq!(version_of_query("version=1.0.0"), Version::V1);
        assert_eq!(version_of_query(""), Version::V1);
    }

    #[test]
    fn mistakes_have_code_and_locator() {
        let fault = |query: &str| {
            let fault = parse_kvp(query).unwrap_err();
            (fault.code, fault.locator.unwrap_or_default())
        };
        assert_eq!(fault("request=Execute"), (ExceptionCode::MissingParameterValue, "service".into()));
        assert_eq!(fault("service=WFS&request=x"), (ExceptionCode::InvalidParameterValue, "service".into()));
        assert_eq!(fault("service=WPS"), (ExceptionCode::MissingParameterValue, "request".into()));
        assert_eq!(fault("service=WPS&request=Fly"), (ExceptionCode::OperationNotSupported, "Fly".into()));
        assert_eq!(fault("service=WPS&request=Execute&identifier=a").1, "version");
        assert_eq!(fault("service=WPS&request=Execute&version=1.0.0").1, "Identifier");
        assert_eq!(
            fault("service=WPS&request=Execute&version=9&identifier=a").0,
            ExceptionCode::InvalidParameterValue
        );
        assert_eq!(
            fault("service=WPS&request=GetCapabilities&AcceptVersions=9").0,
            ExceptionCode::VersionNegotiationFailed
        );
        assert_eq!(fault("service=WPS&request=GetStatus").1, "JobID");
    }

    #[test]
    fn inputs_have_attributes_and_percent_codes() {
        let file =
            WpsInput::Reference { href: "http://x/y?a=1;b".into(), media_type: Some("text/csv".into()) };
        let expected = vec![
            ("text".to_owned(), WpsInput::Text("a@b c".into())),
            ("radius".to_owned(), WpsInput::Text("3".into())),
            ("file".to_owned(), file),
        ];
        let plain = "datainputs=text=a@b+c;radius=3@uom=m;file=@xlink:href=http%3A%2F%2Fx%2Fy%3Fa%3D1%3Bb@mimeType=text/csv";
        assert_eq!(execution(plain).inputs, expected);
        let whole = "DataInputs=text%3Da%40b+c%3Bradius%3D3%40uom%3Dm%3Bfile%3D%40href%3Dhttp%3A//x/y%3Fa%3D1%253Bb%40mimeType%3Dtext/csv";
        assert_eq!(execution(whole).inputs, expected);
    }

    #[test]
    fn outputs_and_the_form_of_the_answer() {
        let request = execution(
            "ResponseDocument=zones@asReference=true@mimeType=text/csv;areas&storeExecuteResponse=true&status=true&lineage=true",
        );
        assert_eq!(request.outputs.len(), 2);
        assert_eq!(request.outputs[0].transmission, Some(Transmission::Reference));
        assert_eq!(request.outputs[0].media_type.as_deref(), Some("text/csv"));
        assert_eq!(
            (request.mode, request.store, request.lineage, request.raw),
            (Some(Mode::Async), true, true, false)
        );
        let raw = execution("RawDataOutput=classMap@mimeType=image/tiff; subtype=geotiff");
        assert!(raw.raw && raw.outputs[0].name == "classMap", "{raw:?}");
    }

    proptest! {
        #[test]
        fn any_query_is_survived(query in "[a-zA-Z=&;@%+,:0-9é]{0,80}") {
            _ = parse_kvp(&query);
            _ = parse_kvp(&format!("service=WPS&version=1.0.0&request=Execute&identifier=a&datainputs={query}"));
        }
    }
}
