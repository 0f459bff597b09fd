//! Exceptions of WPS, and their reports.

use super::Version;
use super::xml::{OWS1, OWS2, Xml};

/// What kind of exception it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionCode {
    /// A parameter or input is missing.
    MissingParameterValue,
    /// A parameter or input has a value that cannot be.
    InvalidParameterValue,
    /// The operation is not served.
    OperationNotSupported,
    /// None of the versions is served.
    VersionNegotiationFailed,
    /// What is asked for is not supported.
    OptionNotSupported,
    /// There is no such process (2.0).
    NoSuchProcess,
    /// There is no such job (2.0).
    NoSuchJob,
    /// The job is not done (2.0).
    ResultNotReady,
    /// The service has too much to do (1.0).
    ServerBusy,
    /// An input is larger than is taken (1.0).
    FileSizeExceeded,
    /// Anything else.
    NoApplicableCode,
}

impl ExceptionCode {
    /// The word on the wire. 1.0 does not know the codes of 2.0.
    pub const fn as_str(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::MissingParameterValue, _) => "MissingParameterValue",
            (Self::NoSuchProcess | Self::NoSuchJob, Version::V1) | (Self::InvalidParameterValue, _) => {
                "InvalidParameterValue"
            }
            (Self::OperationNotSupported, _) => "OperationNotSupported",
            (Self::VersionNegotiationFailed, _) => "VersionNegotiationFailed",
            (Self::OptionNotSupported, _) => "OptionNotSupported",
            (Self::NoSuchProcess, Version::V2) => "NoSuchProcess",
            (Self::NoSuchJob, Version::V2) => "NoSuchJob",
            (Self::ResultNotReady, Version::V2) => "ResultNotReady",
            (Self::ServerBusy, _) => "ServerBusy",
            (Self::FileSizeExceeded, _) => "FileSizeExceeded",
            (Self::ResultNotReady, Version::V1) | (Self::NoApplicableCode, _) => "NoApplicableCode",
        }
    }
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The kind.
    pub code: ExceptionCode,
    /// The parameter, input or output that it is about.
    pub locator: Option<String>,
    /// What is wrong, for a reader.
    pub text: String,
}

impl Exception {
    /// An exception without a locator.
    pub fn new(code: ExceptionCode, text: impl Into<String>) -> Self {
        Self { code, locator: None, text: text.into() }
    }

    /// A value that cannot be.
    pub fn invalid(locator: &str, text: impl Into<String>) -> Self {
        Self::new(ExceptionCode::InvalidParameterValue, text).at(locator)
    }

    /// A parameter that is missing.
    pub fn missing(locator: &str) -> Self {
        Self::new(ExceptionCode::MissingParameterValue, format!("{locator} is missing")).at(locator)
    }

    /// With what it is about.
    pub fn at(mut self, locator: &str) -> Self {
        self.locator = (!locator.is_empty()).then(|| locator.to_owned());
        self
    }

    /// The report.
    pub fn report(&self, version: Version) -> String {
        let mut xml = Xml::document();
        self.write(&mut xml, version);
        xml.finish()
    }

    pub(super) fn write(&self, xml: &mut Xml, version: Version) {
        let (ows, number) = match version {
            Version::V1 => (OWS1, "1.0.0"),
            Version::V2 => (OWS2, "2.0.0"),
        };
        xml.open("ows:ExceptionReport", &[("xmlns:ows", ows), ("version", number), ("xml:lang", "en")]);
        let mut attributes = vec![("exceptionCode", self.code.as_str(version))];
        if let Some(locator) = &self.locator {
            attributes.push(("locator", locator));
        }
        xml.open("ows:Exception", &attributes);
        xml.leaf("ows:ExceptionText", &[], &self.text);
        xml.close();
        xml.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_code_and_locator() {
        let exception = Exception::invalid("radius", "is < 0 & \"odd\"");
        insta::assert_snapshot!("report_1", exception.report(Version::V1));
        insta::assert_snapshot!(
            "report_2",
            Exception::new(ExceptionCode::NoSuchJob, "there is no job x").at("JobID").report(Version::V2)
        );
        assert_eq!(ExceptionCode::NoSuchProcess.as_str(Version::V1), "InvalidParameterValue");
        assert_eq!(Exception::missing("version").locator.as_deref(), Some("version"));
    }
}
