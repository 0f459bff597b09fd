//! What a request asks of the items of a collection.

use actix_web::HttpRequest;

use super::crs::AskedCrs;
use crate::io::feature_file::FeatureFile;
use crate::ogc::cql2::Expr;
use crate::ogc::outputs::{CSV, GEOJSON, GEOPACKAGE, HTML};
use crate::ogc::{hint, read_query};
use crate::server::collections::{numbers, value, whole};
use crate::server::error::ApiError;
use crate::server::html::{Accepted, prefers_page};
use crate::store::collections::Layer;
use crate::store::feature_query::{FeatureQuery, Filter, FilterError, TimeSpan, in_degrees, time_column};

/// Items of a page where the request does not say, and most of a page.
pub const USUAL: usize = 10;
pub const MOST: usize = 10_000;

/// Parameters that are no properties.
const RESERVED: [&str; 13] = [
    "f",
    "csv",
    "limit",
    "offset",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
    "sortby",
    "properties",
];

/// A parameter and its value.
pub type Pairs = Vec<(String, String)>;

/// How items are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    GeoJson,
    Page,
    Csv,
    GeoPackage,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::GeoJson => GEOJSON,
            Self::Page => HTML,
            Self::Csv => CSV,
            Self::GeoPackage => GEOPACKAGE,
        }
    }

    /// The value of `f`.
    pub fn name(self) -> &'static str {
        match self {
            Self::GeoJson => "geojson",
            Self::Page => "html",
            Self::Csv => "csv",
            Self::GeoPackage => "gpkg",
        }
    }

    /// The form of a file that is accepted most, of equals the one that is named first; nothing where none is.
    fn accepted(accepted: &Accepted) -> Option<Self> {
        let forms: [(Self, &[&str]); 3] = [
            (Self::GeoJson, &[GEOJSON, "application/json"]),
            (Self::Csv, &[CSV]),
            (Self::GeoPackage, &[GEOPACKAGE]),
        ];
        let weight = |types: &[&str]| types.iter().filter_map(|t| accepted.weight(t)).max_by(f32::total_cmp);
        let place =
            |types: &[&str]| types.iter().filter_map(|t| accepted.place(t)).min().unwrap_or(usize::MAX);
        let weighed = forms.iter().filter_map(|(form, types)| Some((form, types, weight(types)?)));
        let best = weighed
            .filter(|(_, _, weight)| *weight > 0.0)
            .min_by(|a, b| b.2.total_cmp(&a.2).then_with(|| place(a.1).cmp(&place(b.1))));
        match best {
            Some((form, ..)) => Some(*form),
            // Who names none of them is answered as who says nothing.
            None => weight(forms[0].1).is_none().then_some(Self::GeoJson),
        }
    }

    /// What `f`, else `Accept`, ask for.
    pub fn of(request: &HttpRequest, query: &Pairs) -> Result<Self, ApiError> {
        match value(query, "f") {
            Some("geojson" | "json") => Ok(Self::GeoJson),
            Some("html") => Ok(Self::Page),
            Some("csv") => Ok(Self::Csv),
            Some("gpkg") => Ok(Self::GeoPackage),
            Some(other) => {
                Err(ApiError::parameter("f", format!("`{other}` is none of geojson, html, csv, gpkg")))
            }
            None if prefers_page(request) => Ok(Self::Page),
            None => Self::accepted(&Accepted::of(request))
                .ok_or_else(|| ApiError::not_acceptable(&[GEOJSON, HTML, CSV, GEOPACKAGE])),
        }
    }
}

/// Whether a table is asked for whose formulas are shown as text (`csv=spreadsheet`).
///
/// # Errors
/// 400 where it is another word, or what is asked for is no table.
pub fn for_spreadsheets(query: &[(String, String)], is_table: bool) -> Result<bool, ApiError> {
    match value(query, "csv") {
        Some(_) if !is_table => Err(ApiError::parameter("csv", "is for tables alone; this is not text/csv")),
        Some("spreadsheet") => Ok(true),
        None | Some("data") => Ok(false),
        Some(other) => Err(ApiError::parameter("csv", format!("`{other}` is neither data nor spreadsheet"))),
    }
}

/// What is asked of items.
pub struct Asked {
    pub query: FeatureQuery,
    pub crs: AskedCrs,
    pub offset: usize,
    /// Where the request says it.
    pub limit: Option<usize>,
    /// Columns that are wanted.
    pub columns: Vec<usize>,
}

/// The parameters of a request for items, each known and given once.
pub fn pairs(request: &HttpRequest, more: &[&str], file: &FeatureFile) -> Result<Pairs, ApiError> {
    let query = read_query(request.query_string());
    let fields = file.fields().iter().map(|f| f.name.as_str());
    let known: Vec<&str> = more.iter().copied().chain(fields).collect();
    for (k, (name, _)) in query.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let told = format!(
                "there is neither a parameter nor a property of this name{} (known: {})",
                hint(name, known.iter().copied()),
                known.join(", ")
            );
            return Err(ApiError::parameter(name, told));
        }
        if query[..k].iter().any(|(other, _)| other == name) {
            return Err(ApiError::parameter(name, "is given twice"));
        }
    }
    Ok(query)
}

/// The same for a page of items.
pub fn pairs_of_items(request: &HttpRequest, file: &FeatureFile) -> Result<Pairs, ApiError> {
    pairs(request, &RESERVED, file)
}

impl Asked {
    /// Reads the parameters.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn read(query: &Pairs, file: &FeatureFile, layer: &Layer) -> Result<Self, ApiError> {
        let epsg = file.epsg();
        let crs = |name: &str| match value(query, name) {
            Some(text) => AskedCrs::parse(name, text, epsg),
            None => Ok(AskedCrs::usual()),
        };
        let (out, of_bbox, of_filter) = (crs("crs")?, crs("bbox-crs")?, crs("filter-crs")?);
        let mut asked = FeatureQuery::default();
        if let Some(text) = value(query, "bbox") {
            asked.boxes = boxes(text, &of_bbox)?;
        }
        if let Some(text) = value(query, "datetime") {
            let span = TimeSpan::parse(text).ok_or_else(|| {
                let told = "is no time such as 2019-07-01, 2019-07-01T00:00:00Z or 2019-01-01/..";
                ApiError::parameter("datetime", format!("`{text}` {told}"))
            })?;
            asked.filters.extend(during(&span, file, layer)?);
        }
        asked.filters.extend(conditions(query, file, &of_filter)?);
        if let Some(text) = value(query, "sortby") {
            asked.sort = sort(text, file)?;
        }
        let limit = match value(query, "limit") {
            Some(text) if text.len() > 18 && text.bytes().all(|b| b.is_ascii_digit()) => Some(usize::MAX),
            Some(_) => Some(whole(query, "limit", 1..=usize::MAX, USUAL)?),
            None => None,
        };
        let columns = columns(query, file)?;
        Ok(Self {
            query: asked,
            crs: out,
            offset: whole(query, "offset", 0..=usize::MAX, 0)?,
            limit,
            columns,
        })
    }
}

/// Conditions on properties: `filter`, and parameters that are named as properties.
pub fn conditions(query: &Pairs, file: &FeatureFile, crs: &AskedCrs) -> Result<Vec<Filter>, ApiError> {
    let wrong = |name: &str, e: FilterError| match e {
        FilterError::Wrong(told) => ApiError::parameter(name, told),
        FilterError::File(error) => ApiError::internal(error),
    };
    match value(query, "filter-lang") {
        None | Some("cql2-text") => {}
        Some(other) => {
            return Err(ApiError::parameter("filter-lang", format!("`{other}` is not cql2-text")));
        }
    }
    let mut found = Vec::new();
    if let Some(text) = value(query, "filter") {
        let expr = Expr::parse(text).map_err(|e| ApiError::parameter("filter", e.to_string()))?;
        let filter = Filter::compile(&expr, file, &|geometry| crs.to_degrees(geometry));
        found.push(filter.map_err(|e| wrong("filter", e))?);
    }
    for (name, text) in query.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
        found.push(Filter::equal(file, name, text).map_err(|e| wrong(name, e))?);
    }
    Ok(found)
}

/// Columns that `properties` names; all where it does not stand.
pub fn columns(query: &Pairs, file: &FeatureFile) -> Result<Vec<usize>, ApiError> {
    match value(query, "properties") {
        None => Ok((0..file.fields().len()).collect()),
        Some(text) => text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| column("properties", name, file))
            .collect(),
    }
}

fn column(parameter: &str, name: &str, file: &FeatureFile) -> Result<usize, ApiError> {
    let known: Vec<&str> = file.fields().iter().map(|f| f.name.as_str()).collect();
    known.iter().position(|k| *k == name).ok_or_else(|| {
        let near = hint(name, known.iter().copied());
        let told = format!("there is no property `{name}`{near} (known: {})", known.join(", "));
        ApiError::parameter(parameter, told)
    })
}

fn boxes(text: &str, crs: &AskedCrs) -> Result<Vec<[f64; 4]>, ApiError> {
    let four: [f64; 4] = if text.matches(',').count() == 5 {
        // With heights, which are not looked at.
        let [a, b, _, c, d, _] = numbers("bbox", text)?;
        [a, b, c, d]
    } else {
        numbers("bbox", text)?
    };
    let bounds = crs.ordered(four);
    let degrees = crs.crs.is_geographic();
    let upside_down = bounds[1] > bounds[3] || (!degrees && bounds[0] > bounds[2]);
    let off =
        degrees && (bounds[1] < -90.0 || bounds[3] > 90.0 || bounds[0].abs().max(bounds[2].abs()) > 360.0);
    if upside_down || off {
        let told = format!("`{text}` is no lower and upper corner in {}", crs.uri);
        return Err(ApiError::parameter("bbox", told));
    }
    in_degrees(bounds, &crs.crs).map_err(|e| ApiError::parameter("bbox", e.to_string()))
}

/// Items of a time: by their own where they have one, else by that of the collection.
fn during(span: &TimeSpan, file: &FeatureFile, layer: &Layer) -> Result<Option<Filter>, ApiError> {
    if let Some(column) = time_column(file).map_err(ApiError::internal)? {
        return span.filter(file, column).map(Some).map_err(ApiError::internal);
    }
    let own = layer.dates.map(|(first, last)| TimeSpan::days(first, last));
    Ok(own.filter(|own| !own.meets(span)).map(|_| Filter::nothing()))
}

fn sort(text: &str, file: &FeatureFile) -> Result<Vec<(usize, bool)>, ApiError> {
    // A `+` that is not percent-encoded arrives as a space.
    let one = |key: &str| {
        let (name, falling) = match key.trim_start_matches([' ', '+']).strip_prefix('-') {
            Some(name) => (name, true),
            None => (key.trim_start_matches([' ', '+']), false),
        };
        Ok((column("sortby", name, file)?, falling))
    };
    text.split(',').map(one).collect()
}
