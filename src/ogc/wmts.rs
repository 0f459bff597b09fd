//! WMTS 1.0.0 (07-057r7): requests by key and value, capabilities, exceptions.

use std::fmt::Write as _;

use super::tiles::TileMatrixSetInfo;

/// Media type of capabilities.
pub const XML: &str = "application/xml";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WmtsRequest {
    /// The capabilities.
    Capabilities,
    /// A tile.
    Tile(TileRequest),
    /// What is at a pixel of a tile.
    FeatureInfo {
        /// The tile.
        tile: TileRequest,
        /// Column of the pixel.
        i: u32,
        /// Row of the pixel.
        j: u32,
        /// As what.
        info_format: String,
    },
}

/// A tile by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileRequest {
    /// The layer.
    pub layer: String,
    /// The style; empty or `default` is the layer's own.
    pub style: String,
    /// The media type.
    pub format: String,
    /// The tile matrix set.
    pub set: String,
    /// The level.
    pub matrix: String,
    /// The row.
    pub row: String,
    /// The column.
    pub col: String,
    /// The date, of a layer that has dates; `None` is the layer's own.
    pub time: Option<String>,
}

/// An exception of OWS Common 1.1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct WmtsException {
    /// Its code.
    pub code: &'static str,
    /// The parameter.
    pub locator: Option<String>,
    /// In words.
    pub text: String,
}

impl WmtsException {
    /// An exception about a parameter.
    pub fn new(code: &'static str, locator: &str, text: impl Into<String>) -> Self {
        Self { code, locator: Some(locator.to_owned()), text: text.into() }
    }

    /// A value that a parameter cannot have.
    pub fn invalid(locator: &str, text: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", locator, text)
    }

    /// A tile outside of its matrix.
    pub fn out_of_range(locator: &str, text: impl Into<String>) -> Self {
        Self::new("TileOutOfRange", locator, text)
    }

    /// The report.
    pub fn report(&self) -> String {
        let locator =
            self.locator.as_ref().map_or_else(String::new, |l| format!(" locator=\"{}\"", escape(l)));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ExceptionReport xmlns=\"http://www.opengis.net/ows/1.1\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://www.opengis.net/ows/1.1 \
             http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd\" version=\"1.1.0\" xml:lang=\"en\">\n  \
             <Exception exceptionCode=\"{}\"{locator}>\n    <ExceptionText>{}</ExceptionText>\n  </Exception>\n\
             </ExceptionReport>\n",
            self.code,
            escape(&self.text)
        )
    }
}

impl WmtsRequest {
    /// A value of the dimension of time, but for the words that leave it to the layer.
    pub fn time(text: &str) -> Option<String> {
        let own = ["", "default", "current"].iter().any(|word| text.eq_ignore_ascii_case(word));
        (!own).then(|| text.to_owned())
    }

    /// Reads a query: keys in any case, unknown ones ignored.
    ///
    /// # Errors
    /// [`WmtsException`] naming the parameter that is missing or wrong.
    pub fn parse(query: &[(String, String)]) -> Result<Self, WmtsException> {
        let find = |name: &str| {
            query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
        };
        let need = |name: &str| {
            find(name).map(str::to_owned).ok_or_else(|| {
                WmtsException::new("MissingParameterValue", name, format!("{name} is missing"))
            })
        };
        let service = need("service")?;
        if !service.eq_ignore_ascii_case("WMTS") {
            return Err(WmtsException::invalid("service", format!("`{service}` is not WMTS")));
        }
        let request = need("request")?;
        if request.eq_ignore_ascii_case("GetCapabilities") {
            let versions = find("acceptversions").unwrap_or_default();
            if !versions.is_empty() && !versions.split(',').any(|v| v.trim() == "1.0.0") {
                let text = format!("`{versions}` does not hold 1.0.0");
                return Err(WmtsException::new("VersionNegotiationFailed", "acceptversions", text));
            }
            return Ok(Self::Capabilities);
        }
        let info = request.eq_ignore_ascii_case("GetFeatureInfo");
        if !info && !request.eq_ignore_ascii_case("GetTile") {
            let text = format!("`{request}` is none of GetCapabilities, GetTile and GetFeatureInfo");
            return Err(WmtsException::invalid("request", text));
        }
        let version = need("version")?;
        if version != "1.0.0" {
            return Err(WmtsException::invalid("version", format!("`{version}` is not 1.0.0")));
        }
        let tile = TileRequest {
            layer: need("layer")?,
            style: find("style").unwrap_or_default().to_owned(),
            format: need("format")?,
            set: need("tilematrixset")?,
            matrix: need("tilematrix")?,
            row: need("tilerow")?,
            col: need("tilecol")?,
            time: find("time").and_then(Self::time),
        };
        if !info {
            return Ok(Self::Tile(tile));
        }
        let pixel = |name: &str| {
            let text = need(name)?;
            text.parse::<u32>().ok().filter(|&n| n < 256).ok_or_else(|| {
                WmtsException::new(
                    "PointIJOutOfRange",
                    name,
                    format!("`{text}` is not a whole number from 0 to 255"),
                )
            })
        };
        let info_format = need("infoformat")?;
        Ok(Self::FeatureInfo { tile, i: pixel("i")?, j: pixel("j")?, info_format })
    }
}

/// A layer of the capabilities.
#[derive(Clone, Debug, Default)]
pub struct WmtsLayer {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it is.
    pub description: String,
    /// West, south, east, north.
    pub bounds: Option<[f64; 4]>,
    /// Id, title and address of the legend of each style, the default first.
    pub styles: Vec<(String, String, String)>,
    /// Its dates, rising, where each is a map of its own; the last is what is shown.
    pub dates: Vec<String>,
}

/// What the capabilities are made from.
#[derive(Clone, Debug)]
pub struct WmtsCapabilities<'a> {
    /// The service's name.
    pub title: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// Address of the service.
    pub base: &'a str,
    /// What it serves.
    pub layers: &'a [WmtsLayer],
    /// Media types of tiles, with the endings of their addresses.
    pub formats: &'a [(&'a str, &'a str)],
    /// Media types of what is told of a pixel.
    pub info_formats: &'a [&'a str],
    /// Tile matrix sets, with the URN of the CRS and of the scales.
    pub sets: &'a [(TileMatrixSetInfo, &'a str, &'a str)],
}

impl WmtsCapabilities<'_> {
    /// The document.
    pub fn document(&self) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Capabilities xmlns=\"http://www.opengis.net/wmts/1.0\" xmlns:ows=\"http://www.opengis.net/ows/1.1\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://www.opengis.net/wmts/1.0 \
             http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd\" version=\"1.0.0\">\n  \
             <ows:ServiceIdentification>\n    <ows:Title>{}</ows:Title>\n    <ows:Abstract>{}</ows:Abstract>\n    \
             <ows:ServiceType>OGC WMTS</ows:ServiceType>\n    <ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>\n  \
             </ows:ServiceIdentification>\n  <ows:OperationsMetadata>\n",
            escape(self.title),
            escape(self.description)
        );
        let base = escape(self.base);
        for operation in ["GetCapabilities", "GetTile", "GetFeatureInfo"] {
            let _ = write!(
                xml,
                "    <ows:Operation name=\"{operation}\">\n      <ows:DCP><ows:HTTP>\n        \
                 <ows:Get xlink:href=\"{base}/wmts?\"><ows:Constraint name=\"GetEncoding\"><ows:AllowedValues>\
                 <ows:Value>KVP</ows:Value></ows:AllowedValues></ows:Constraint></ows:Get>\n        \
                 <ows:Get xlink:href=\"{base}/wmts/1.0.0/\"><ows:Constraint name=\"GetEncoding\"><ows:AllowedValues>\
                 <ows:Value>RESTful</ows:Value></ows:AllowedValues></ows:Constraint></ows:Get>\n      \
                 </ows:HTTP></ows:DCP>\n    </ows:Operation>\n"
            );
        }
        xml.push_str("  </ows:OperationsMetadata>\n  <Contents>\n");
        for layer in self.layers {
            self.layer(&mut xml, layer);
        }
        for (set, crs, scales) in self.sets {
            matrix_set(&mut xml, set, crs, scales);
        }
        let _ = write!(
            xml,
            "  </Contents>\n  <ServiceMetadataURL xlink:href=\"{base}/wmts/1.0.0/WMTSCapabilities.xml\"/>\n\
             </Capabilities>\n"
        );
        xml
    }

    fn layer(&self, xml: &mut String, layer: &WmtsLayer) {
        let (id, base) = (escape(&layer.id), escape(self.base));
        let place_of = format!("{base}/wmts/1.0.0/{}", super::segment(&layer.id));
        let _ = write!(
            xml,
            "    <Layer>\n      <ows:Title>{}</ows:Title>\n      <ows:Abstract>{}</ows:Abstract>\n",
            escape(&layer.title),
            escape(&layer.description)
        );
        if let Some([west, south, east, north]) = layer.bounds {
            // A box across the date line is the whole round.
            let (west, east) = if west > east { (-180.0, 180.0) } else { (west, east) };
            let _ = write!(
                xml,
                "      <ows:WGS84BoundingBox>\n        <ows:LowerCorner>{west} {south}</ows:LowerCorner>\n        \
                 <ows:UpperCorner>{east} {north}</ows:UpperCorner>\n      </ows:WGS84BoundingBox>\n"
            );
        }
        let _ = writeln!(xml, "      <ows:Identifier>{id}</ows:Identifier>");
        for (k, (style, title, legend)) in layer.styles.iter().enumerate() {
            let _ = write!(
                xml,
                "      <Style isDefault=\"{}\">\n        <ows:Title>{}</ows:Title>\n        \
                 <ows:Identifier>{}</ows:Identifier>\n        \
                 <LegendURL format=\"image/png\" xlink:href=\"{}\"/>\n      </Style>\n",
                k == 0,
                escape(title),
                escape(style),
                escape(legend)
            );
        }
        for (format, _) in self.formats {
            let _ = writeln!(xml, "      <Format>{format}</Format>");
        }
        for format in self.info_formats {
            let _ = writeln!(xml, "      <InfoFormat>{format}</InfoFormat>");
        }
        if let Some(last) = layer.dates.last() {
            let values: String = layer.dates.iter().map(|date| format!("<Value>{date}</Value>")).collect();
            let _ = write!(
                xml,
                "      <Dimension>\n        <ows:Identifier>Time</ows:Identifier>\n        \
                 <ows:UOM>ISO8601</ows:UOM>\n        <Default>{last}</Default>\n        {values}\n      \
                 </Dimension>\n"
            );
        }
        for (set, ..) in self.sets {
            let _ = writeln!(
                xml,
                "      <TileMatrixSetLink><TileMatrixSet>{}</TileMatrixSet></TileMatrixSetLink>",
                set.id
            );
        }
        let place = "{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}";
        let time = if layer.dates.is_empty() { "" } else { "?time={Time}" };
        for (format, ending) in self.formats {
            let _ = writeln!(
                xml,
                "      <ResourceURL format=\"{format}\" resourceType=\"tile\" \
                 template=\"{place_of}/{{Style}}/{place}.{ending}{time}\"/>"
            );
        }
        for format in self.info_formats {
            let _ = writeln!(
                xml,
                "      <ResourceURL format=\"{format}\" resourceType=\"FeatureInfo\" \
                 template=\"{place_of}/{{Style}}/{place}/{{J}}/{{I}}.json{time}\"/>"
            );
        }
        xml.push_str("    </Layer>\n");
    }
}

fn matrix_set(xml: &mut String, set: &TileMatrixSetInfo, crs: &str, scales: &str) {
    let _ = write!(
        xml,
        "    <TileMatrixSet>\n      <ows:Title>{}</ows:Title>\n      <ows:Identifier>{}</ows:Identifier>\n      \
         <ows:SupportedCRS>{crs}</ows:SupportedCRS>\n      <WellKnownScaleSet>{scales}</WellKnownScaleSet>\n",
        escape(&set.title),
        set.id
    );
    for matrix in &set.tile_matrices {
        let _ = write!(
            xml,
            "      <TileMatrix>\n        <ows:Identifier>{}</ows:Identifier>\n        \
             <ScaleDenominator>{}</ScaleDenominator>\n        <TopLeftCorner>{} {}</TopLeftCorner>\n        \
             <TileWidth>{}</TileWidth>\n        <TileHeight>{}</TileHeight>\n        \
             <MatrixWidth>{}</MatrixWidth>\n        <MatrixHeight>{}</MatrixHeight>\n      </TileMatrix>\n",
            matrix.id,
            matrix.scale_denominator,
            matrix.point_of_origin[0],
            matrix.point_of_origin[1],
            matrix.tile_width,
            matrix.tile_height,
            matrix.matrix_width,
            matrix.matrix_height
        );
    }
    xml.push_str("    </TileMatrixSet>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<WmtsRequest, WmtsException> {
        WmtsRequest::parse(&crate::ogc::read_query(query))
    }

    #[test]
    fn keys_stand_in_any_case_and_unknown_ones_are_ignored() {
        let tile = "SERVICE=wmts&Request=getTile&vErSiOn=1.0.0&LAYER=a&STYLE=&FORMAT=image/png&TILEMATRIXSET=s&\
                    TileMatrix=3&tilerow=1&TILECOL=2&foo=bar";
        let Ok(WmtsRequest::Tile(tile)) = parse(tile) else { panic!("no tile") };
        assert_eq!((tile.layer.as_str(), tile.row.as_str(), tile.col.as_str()), ("a", "1", "2"));
        assert_eq!(parse("service=WMTS&request=GetCapabilities&x=1"), Ok(WmtsRequest::Capabilities));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (query, code, locator) in [
            ("request=GetTile", "MissingParameterValue", "service"),
            ("service=WMS&request=GetTile", "InvalidParameterValue", "service"),
            ("service=WMTS", "MissingParameterValue", "request"),
            ("service=WMTS&request=GetMap", "InvalidParameterValue", "request"),
            ("service=WMTS&request=GetTile&version=1.0.0&layer=a", "MissingParameterValue", "format"),
            ("service=WMTS&request=GetTile&version=1.1.0", "InvalidParameterValue", "version"),
            (
                "service=WMTS&request=GetCapabilities&acceptversions=2.0.0",
                "VersionNegotiationFailed",
                "acceptversions",
            ),
        ] {
            let exception = parse(query).unwrap_err();
            assert_eq!((exception.code, exception.locator.as_deref()), (code, Some(locator)), "{query}");
            roxmltree::Document::parse(&exception.report()).unwrap();
        }
    }
}
