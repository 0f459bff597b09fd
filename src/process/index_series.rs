//! `index-series`: the series of spectral indices under points or polygons, as a table that
//! trains models too, and as a figure of class means.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{Curve, CurveFigure, Panel, Point, XAxis};
use super::inputs::InputFaults;
use super::{Choice, Context, DataSource, Process, ProcessError};
use crate::classify::{Channel, bands_of, observe_pixels};
use crate::classmap::Legend;
use crate::crs::Crs;
use crate::cube::{CloudMask, CubeRequest, DataCube};
use crate::ogc::{AreaInput, CubeInput, DateInterval, Figure, FileInput, TableCsv, outputs};
use crate::vector::{Feature, FeatureTable, Value, columns, cover};

/// Side of the blocks that scenes are read in (pixels).
const BLOCK: usize = 512;
/// Fewest valid samples of a class for its mean to be drawn at a date (or all, where it has fewer).
const FEWEST: usize = 3;
/// Features without the class property.
const NO_CLASS: &str = "all";

/// Series of spectral indices under features.
#[derive(Clone, Copy, Debug)]
pub struct IndexSeries;

/// What is read, where and when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexSeriesInputs {
    /// The scenes: a STAC ItemCollection, a SAFE folder, a GF-6 folder, a folder of GeoTIFFs, or
    /// several of these.
    cube: CubeInput,
    /// Points or polygons: GeoJSON, GML, GeoPackage, FlatGeobuf, Shapefile or CSV (lon, lat). A
    /// polygon's value is the mean of its pixels.
    #[schemars(extend("x-holds" = outputs::GEOJSON))]
    features: FileInput,
    /// Spectral indices or bands by name, such as `NDRE`, `EVI` or `B05`.
    #[serde(default = "default_indices")]
    #[schemars(length(min = 1))]
    indices: Vec<String>,
    /// The property that holds the class, for the figure.
    #[serde(default = "default_class_property")]
    class_property: String,
    /// Only features here are read: a bounding box or polygons.
    area: Option<AreaInput>,
    /// First and last day.
    dates: Option<DateInterval>,
    /// Pixel size; metres, or degrees where `crs` is geographic. The finest of the bands where
    /// not given.
    #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
    resolution: Option<f64>,
    /// CRS of the pixels, such as `EPSG:32649`; that of the first scene where not given.
    crs: Option<String>,
    /// Scenes with this cloud cover or more are left out; none where not given.
    #[schemars(range(min = 0, max = 100), extend("x-unit" = "%"))]
    max_cloud_cover: Option<f64>,
    /// Which masks of the scenes hide clouds pixel by pixel.
    #[serde(default)]
    cloud_mask: CloudMask,
    /// Accept Level-1C (top of atmosphere) scenes.
    #[serde(default)]
    allow_top_of_atmosphere: bool,
}

/// The table and the figure.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
pub struct IndexSeriesOutputs {
    /// A row a feature: its properties, position, number of pixels, and one column per index and
    /// date named `NDRE@2022-01-05` (empty is missing).
    table: TableCsv,
    /// Class means over time with one standard deviation to either side, a panel an index.
    figure: Figure,
}

fn default_indices() -> Vec<String> {
    vec!["NDRE".to_owned()]
}

fn default_class_property() -> String {
    "class".to_owned()
}

impl Process for IndexSeries {
    type Inputs = IndexSeriesInputs;
    type Outputs = IndexSeriesOutputs;
    const ID: &'static str = "index-series";
    const TITLE: &'static str = "Series of spectral indices";
    const DESCRIPTION: &'static str = "Reads the series of spectral indices under points or polygons, \
        clouds left out: as a table that can also train and validate models, and as a figure of class \
        means with their spread.";

    fn check(inputs: &IndexSeriesInputs, faults: &mut InputFaults) {
        inputs.choice().check(faults);
        faults.note(parse_indices(&inputs.indices));
    }

    fn run(&self, inputs: IndexSeriesInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let channels = parse_indices(&inputs.indices)?;
        let features = context.data.features("features", &inputs.features)?;
        let request = inputs.choice().request(bands_of(&channels), context.data)?;
        let cube = context.open_cube(&inputs.cube, &request)?;
        let series = Series::read(&cube, &channels, &features, context)?;
        context.progress.step("write table and figure", 0);
        if context.sink.wants("table") {
            context.sink.file("table", outputs::CSV, &series.csv()?)?;
        }
        if context.sink.wants("figure") {
            if let Some(why) = columns::missing(&features.features, &inputs.class_property) {
                context.progress.note(&format!("features: {why}: the figure has one class"));
            }
            match series.svg(&inputs.class_property, context) {
                Ok(svg) => context.sink.file("figure", outputs::SVG, svg.as_bytes())?,
                // The table does not depend on it.
                Err(error) if context.sink.wants("table") => {
                    context.progress.note(&format!("there is no figure: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl IndexSeriesInputs {
    /// Which scenes, on which grid.
    fn choice(&self) -> Choice<'_> {
        Choice {
            area: self.area.as_ref(),
            dates: self.dates,
            resolution: self.resolution,
            crs: self.crs.as_deref(),
            max_cloud_cover: self.max_cloud_cover,
            cloud_mask: self.cloud_mask,
            allow_top_of_atmosphere: self.allow_top_of_atmosphere,
        }
    }
}

fn parse_indices(names: &[String]) -> Result<Vec<Channel>, ProcessError> {
    let mut channels: Vec<Channel> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let at = || format!("indices[{i}]");
        let channel = Channel::parse(name).map_err(|e| ProcessError::input(at(), e))?;
        if channels.iter().any(|c| c.name() == channel.name()) {
            return Err(ProcessError::input(at(), format!("`{name}` is named twice")));
        }
        channels.push(channel);
    }
    Ok(channels)
}

/// What one date says of a pixel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// The day.
    pub date: jiff::civil::Date,
    /// The index; null where the scenes of the day have nothing here.
    pub value: Option<f32>,
    /// Whether the masks of the scenes hide it.
    pub clouds: bool,
}

/// The series of one spectral index at a longitude and latitude, with what clouds hide and marked as
/// such; empty outside of the cube. A look at what there is: Level-1C is read too.
///
/// # Errors
/// [`ProcessError::Input`] naming `indices` or `cube`.
pub fn series_at(
    data: &dyn DataSource,
    cube: &CubeInput,
    index: &str,
    (lon, lat): (f64, f64),
) -> Result<Vec<Seen>, ProcessError> {
    let channels = parse_indices(&[index.to_owned()])?;
    let read = |cloud_mask| -> Result<Vec<(jiff::civil::Date, f32)>, ProcessError> {
        let bands = bands_of(&channels);
        let request =
            CubeRequest { bands, cloud_mask, allow_top_of_atmosphere: true, ..CubeRequest::default() };
        let cube = data.cube(cube, &request)?;
        let (mut x, mut y) = ([lon], [lat]);
        let to_grid = Crs::wgs84().transformer_to(&cube.grid.crs).map_err(ProcessError::failed)?;
        // What the projection cannot reach lies outside as well.
        let inside = to_grid.apply(&mut x, &mut y).is_ok();
        let Some(place) = cube.grid.pixel_at(x[0], y[0]).filter(|_| inside) else { return Ok(Vec::new()) };
        let values = observe_pixels(&cube, &channels, &[place], 1, &|_| true);
        let dates = cube.acquisitions.iter().map(|a| a.date);
        Ok(dates.zip(values.map_err(ProcessError::failed)?).collect())
    };
    let (all, clear) = (read(CloudMask::None)?, read(CloudMask::Both)?);
    let seen = all.into_iter().zip(clear).map(|((date, value), (_, clear))| Seen {
        date,
        value: value.is_finite().then_some(value),
        clouds: value.is_finite() && !clear.is_finite(),
    });
    Ok(seen.collect())
}

/// Values of the features that have pixels on the cube.
struct Series<'a> {
    cube: &'a DataCube,
    names: Vec<&'static str>,
    features: Vec<&'a Feature>,
    /// Pixels of each feature.
    pixels: Vec<usize>,
    /// `[series][date][feature]`: the mean of the feature's valid pixels.
    values: Vec<f32>,
}

impl<'a> Series<'a> {
    fn read(
        cube: &'a DataCube,
        channels: &[Channel],
        table: &'a FeatureTable,
        context: &Context<'_>,
    ) -> Result<Self, ProcessError> {
        let to_grid = Crs::wgs84().transformer_to(&cube.grid.crs).map_err(ProcessError::failed)?;
        let (mut places, mut features, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for feature in &table.features {
            let covered = cover::pixels(&cube.grid, &feature.geometry, &to_grid, places.len())
                .map_err(|over| ProcessError::input("features", over))?;
            if !covered.is_empty() {
                features.push(feature);
                counts.push(covered.len());
                places.extend(covered);
            }
        }
        let (all, outside) = (table.features.len(), table.features.len() - features.len());
        if features.is_empty() {
            let message = format!("none of its {all} features covers the centre of a pixel of the scenes");
            return Err(ProcessError::input("features", message));
        }
        if outside > 0 {
            context.progress.note(&format!("features: {outside} of {all} lie outside the scenes"));
        }
        context.progress.step("read the series", places.len() as u64);
        let read = std::sync::atomic::AtomicUsize::new(0);
        let done = |pixels: usize| {
            let before = read.fetch_add(pixels, std::sync::atomic::Ordering::Relaxed);
            context.progress.done((before + pixels) as u64);
            !context.cancel.is_cancelled()
        };
        let values = observe_pixels(cube, channels, &places, BLOCK, &done);
        context.cancel.check()?;
        let values = means(&values.map_err(ProcessError::failed)?, places.len(), &counts);
        let series = Self {
            cube,
            names: channels.iter().map(|c| c.name()).collect(),
            features,
            pixels: counts,
            values,
        };
        let empty = (0..series.features.len()).filter(|&f| series.of(f).all(f32::is_nan)).count();
        if empty == series.features.len() {
            let message = "every feature lies on nodata or under clouds at every date";
            return Err(ProcessError::input("features", message));
        }
        if empty > 0 {
            let message = format!("features: {empty} of {all} have no valid value (nodata or clouds)");
            context.progress.note(&message);
        }
        Ok(series)
    }

    /// All values of one feature.
    fn of(&self, feature: usize) -> impl Iterator<Item = f32> {
        self.values.iter().copied().skip(feature).step_by(self.features.len())
    }

    fn csv(&self) -> Result<Vec<u8>, ProcessError> {
        let properties: BTreeSet<&str> =
            self.features.iter().flat_map(|f| f.properties.keys().map(String::as_str)).collect();
        let own = ["lon", "lat", "pixels"].map(|name| (name, !properties.contains(name)));
        // An @ would make a series of a property.
        let mut header: Vec<String> = properties.iter().map(|name| name.replace('@', "_")).collect();
        header.extend(own.iter().filter(|o| o.1).map(|o| o.0.to_owned()));
        for name in &self.names {
            header.extend(self.cube.acquisitions.iter().map(|a| format!("{name}@{}", a.date)));
        }
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(&header).map_err(ProcessError::failed)?;
        for (i, feature) in self.features.iter().enumerate() {
            let (lon, lat) = position(feature);
            let mut row: Vec<String> = properties
                .iter()
                .map(|name| feature.properties.get(*name).map_or_else(String::new, Value::to_string))
                .collect();
            let mine = [lon, lat, self.pixels[i].to_string()];
            row.extend(own.iter().zip(mine).filter(|(o, _)| o.1).map(|(_, text)| text));
            row.extend(self.of(i).map(|v| if v.is_finite() { v.to_string() } else { String::new() }));
            csv.write_record(&row).map_err(ProcessError::failed)?;
        }
        csv.into_inner().map_err(ProcessError::failed)
    }

    /// The figure; where no class has enough values at any date, of as many as there are.
    fn svg(&self, class_property: &str, context: &Context<'_>) -> Result<String, ProcessError> {
        let figure = self.figure(class_property, FEWEST)?;
        if !figure.is_empty() {
            return figure.svg();
        }
        context.progress.note(&format!(
            "figure: no class has {FEWEST} values at any date, so its means rest on fewer, down to one"
        ));
        self.figure(class_property, 1)?.svg()
    }

    /// The class means of at least so many values (or of all, where a class has fewer).
    fn figure(&self, class_property: &str, fewest: usize) -> Result<CurveFigure, ProcessError> {
        let class = |f: &Feature| match f.properties.get(class_property) {
            None | Some(Value::Null) => NO_CLASS.to_owned(),
            Some(value) => value.to_string(),
        };
        let of_feature: Vec<String> = self.features.iter().map(|f| class(f)).collect();
        let classes: Vec<&String> = of_feature.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let legend = Legend::of_classes(&classes).map_err(|e| ProcessError::input("classProperty", e))?;
        let dates = &self.cube.acquisitions;
        let first = dates[0].date;
        let panels = self.names.iter().enumerate().map(|(s, name)| {
            let curves = legend.classes.iter().map(|entry| {
                let members: Vec<usize> =
                    (0..self.features.len()).filter(|&f| of_feature[f] == entry.name).collect();
                let points = dates.iter().enumerate().filter_map(|(d, acquisition)| {
                    let start = (s * dates.len() + d) * self.features.len();
                    let x = f64::from((acquisition.date - first).get_days());
                    mean_point(x, members.iter().map(|&f| self.values[start + f]), members.len().min(fewest))
                });
                let name = format!("{} (n = {})", entry.name, members.len());
                Curve { name, color: entry.color, points: points.collect() }
            });
            let title = if name.starts_with("REP") { format!("{name} (nm)") } else { (*name).to_owned() };
            Panel { title, curves: curves.collect() }
        });
        Ok(CurveFigure {
            title: "Class means and one standard deviation".to_owned(),
            x: XAxis::Dates(first),
            panels: panels.collect(),
        })
    }
}

/// The mean of each feature's valid pixels, for planes of `places` pixels in the features' order.
fn means(values: &[f32], places: usize, counts: &[usize]) -> Vec<f32> {
    let mut means = Vec::with_capacity(values.len() / places.max(1) * counts.len());
    for plane in values.chunks_exact(places) {
        let mut start = 0;
        for &count in counts {
            let valid = || plane[start..start + count].iter().filter(|v| v.is_finite());
            let sum: f64 = valid().map(|&v| f64::from(v)).sum();
            means.push((sum / valid().count() as f64) as f32); // 0/0 is NaN: missing
            start += count;
        }
    }
    means
}

/// Mean and standard deviation of the valid values, where there are at least `fewest`.
fn mean_point(x: f64, values: impl Iterator<Item = f32>, fewest: usize) -> Option<Point> {
    let valid: Vec<f64> = values.filter(|v| v.is_finite()).map(f64::from).collect();
    if valid.is_empty() || valid.len() < fewest {
        return None;
    }
    let n = valid.len() as f64;
    let y = valid.iter().sum::<f64>() / n;
    let variance = valid.iter().map(|v| (v - y).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    Some(Point { x, y, spread: variance.sqrt() })
}

/// Longitude and latitude of a feature's centroid, seven digits (centimetres).
fn position(feature: &Feature) -> (String, String) {
    use geo::Centroid as _;
    feature.geometry.centroid().map_or_else(Default::default, |p| {
        let digits = |v: f64| format!("{v:.7}").trim_end_matches('0').trim_end_matches('.').to_owned();
        (digits(p.x()), digits(p.y()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polygons_value_is_the_mean_of_its_valid_pixels() {
        let nan = f32::NAN;
        let values = [1.0, 3.0, 7.0, nan, nan, 5.0];
        assert_eq!(means(&values, 3, &[2, 1])[..2], [2.0, 7.0]);
        let second = means(&values, 3, &[2, 1]);
        assert!(second[2].is_nan() && second[3] == 5.0);
    }

    #[test]
    fn a_mean_needs_three_values_or_all_of_a_small_class() {
        assert_eq!(mean_point(0.0, [1.0, 2.0].into_iter(), FEWEST), None);
        let point = mean_point(0.0, [1.0, 3.0].into_iter(), 2).unwrap();
        assert_eq!((point.y, point.spread), (2.0, 2f64.sqrt()));
    }

    #[test]
    fn an_unknown_index_is_named_by_its_path() {
        let names = ["NDRE".to_owned(), "NDXX".to_owned()];
        assert!(parse_indices(&names).unwrap_err().to_string().starts_with("input `indices[1]`"));
    }
}
