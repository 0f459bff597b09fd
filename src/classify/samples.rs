//! From features on a cube, or tables of series, to labelled series.

use std::collections::{BTreeMap, BTreeSet};

use geo::MapCoords;

use super::recipe::Channel;
use super::{ClassifyError, Labels, Observations, Sample, observe_pixels};
use crate::classmap::usual_name;
use crate::crs::{Crs, CrsError, Transformer};
use crate::cube::{Calendar, CubeError, DataCube, SeriesTable};
use crate::vector::{self, FeatureTable, Value, columns};

/// Pixels read at a time along each side, as the tiles of the files.
const BLOCK_SIDE: usize = 512;

/// Why samples cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Something about the samples themselves.
    #[error("{0}")]
    Unusable(String),
    /// The cube could not be read.
    #[error(transparent)]
    Cube(#[from] CubeError),
    /// Coordinates that cannot be brought to the cube's CRS.
    #[error(transparent)]
    Crs(#[from] CrsError),
}

/// How samples name their class.
#[derive(Clone, Debug)]
pub struct ClassNames<'a> {
    /// The property that holds the class.
    pub property: &'a str,
    /// The classes in the order of their codes; others are left out. `None` takes all.
    pub classes: Option<&'a [String]>,
}

/// Labelled series, and what a user should know about those that were lost.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The samples.
    pub observations: Observations,
    /// One line for each reason that samples were lost.
    pub notes: Vec<String>,
}

/// The class of a row.
fn class_of(property: &str, row: &BTreeMap<String, Value>) -> Option<String> {
    match row.get(property) {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.to_string()).filter(|name| !name.trim().is_empty()),
    }
}

/// The names of the classes that rows have, or that are asked for.
pub fn class_names(
    names: &ClassNames,
    rows: &mut dyn Iterator<Item = &BTreeMap<String, Value>>,
) -> Vec<String> {
    match names.classes {
        Some(classes) => classes.to_vec(),
        None => {
            rows.filter_map(|r| class_of(names.property, r)).collect::<BTreeSet<_>>().into_iter().collect()
        }
    }
}

/// The class of each row, as a position in the list of classes; `None` where the row is of a
/// class that is not asked for.
fn labels_of<'t>(
    names: &ClassNames,
    rows: impl Iterator<Item = &'t BTreeMap<String, Value>> + Clone,
    notes: &mut Vec<String>,
) -> Result<(Vec<String>, Vec<Option<u16>>), SampleError> {
    let known: BTreeSet<&String> = rows.clone().flat_map(BTreeMap::keys).collect();
    let mut property = names.property;
    if !known.iter().any(|name| *name == property) {
        // Only in place of the usual name: another one was asked for.
        let usual = property == columns::CLASS[0];
        let alias = columns::position(known.iter().map(|name| name.as_str()), columns::CLASS);
        if let Some(alias) = alias.filter(|_| usual).and_then(|at| known.iter().nth(at)) {
            notes.push(format!("no sample has a property `{property}`: classes are those of `{alias}`"));
            property = alias;
        }
    }
    if !known.iter().any(|name| *name == property) {
        let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
        let known = if known.is_empty() { "no properties".to_owned() } else { known.join(", ") };
        return Err(SampleError::Unusable(format!(
            "no sample has a property `{property}` (there are: {known})"
        )));
    }
    let class = |r: &BTreeMap<String, Value>| class_of(property, r);
    // A class that is asked for is found by its name, or else by another name of the same meaning.
    let place = |classes: &[String], name: &str| {
        let by_name = classes.iter().position(|k| k == name);
        by_name.or_else(|| usual_name(name).and_then(|usual| classes.iter().position(|k| k == usual)))
    };
    let classes: Vec<String> = match names.classes {
        Some(classes) => classes.to_vec(),
        None => rows.clone().filter_map(class).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    notes.extend(look_alikes(&rows.clone().filter_map(class).collect()));
    let rows_again = rows.clone();
    let labels: Vec<Option<u16>> =
        rows.map(|r| class(r).and_then(|c| place(&classes, &c)).map(|k| k as u16)).collect();
    let without = labels.iter().filter(|l| l.is_none()).count();
    if without == labels.len() {
        let asked = names.classes.map_or_else(String::new, |c| format!(" of {}", c.join(", ")));
        let found: BTreeSet<String> = rows_again.filter_map(class).collect();
        let found = found.into_iter().take(20).collect::<Vec<_>>().join(", ");
        return Err(SampleError::Unusable(format!(
            "no sample has a class{asked} in `{property}`; there are: {found}"
        )));
    }
    if without > 0 {
        notes.push(format!("{without} samples have no class, or one that is not in `classes`"));
    }
    Ok((classes, labels))
}

/// Tells classes that differ by nothing but case, space or the width of signs.
fn look_alikes(classes: &BTreeSet<String>) -> Vec<String> {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for class in classes {
        alike.entry(columns::folded(class)).or_default().push(format!("`{class}`"));
    }
    let told = |names: Vec<String>| {
        let names = names.join(", ");
        format!(
            "the classes {names} differ only by case, space or the width of signs, and count as different"
        )
    };
    alike.into_values().filter(|names| names.len() > 1).map(told).collect()
}

/// How many features would lie on a grid if their longitudes and latitudes changed places.
fn on_grid_when_swapped(cube: &DataCube, features: &FeatureTable, to_grid: &Transformer) -> usize {
    let lies = |feature: &&vector::Feature| {
        let swapped = feature.geometry.map_coords(|c| geo::Coord { x: c.y, y: c.x });
        vector::cover::pixels(&cube.grid, &swapped, to_grid, 0).is_ok_and(|pixels| !pixels.is_empty())
    };
    features.features.iter().filter(lies).count()
}

/// Reads the series under points, and under every pixel of polygons.
///
/// # Errors
/// No property of that name, no sample on the cube, a cube that cannot be read, cancelled
/// (`done` is told the samples read and answers whether to go on).
pub fn from_features(
    cube: &DataCube,
    channels: &[Channel],
    features: &FeatureTable,
    names: &ClassNames,
    done: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Gathered, SampleError> {
    let mut notes = Vec::new();
    if features.features.is_empty() {
        return Err(SampleError::Unusable("there are no features".to_owned()));
    }
    let rows = features.features.iter().map(|f| &f.properties);
    let (classes, found) = labels_of(names, rows, &mut notes)?;
    let to_grid = Crs::wgs84().transformer_to(&cube.grid.crs)?;
    let (mut pixels, mut samples, mut labels, mut outside) = (Vec::new(), Vec::new(), Vec::new(), 0usize);
    for (i, (feature, label)) in features.features.iter().zip(found).enumerate() {
        let Some(label) = label else { continue };
        let covered = vector::cover::pixels(&cube.grid, &feature.geometry, &to_grid, pixels.len())
            .map_err(|over| SampleError::Unusable(over.to_string()))?;
        outside += usize::from(covered.is_empty());
        for (row, col) in covered {
            pixels.push((row, col));
            labels.push(label);
            let position = Some(cube.grid.centre(row, col));
            samples.push(Sample { position, feature: i, properties: feature.properties.clone() });
        }
    }
    if outside > 0 {
        notes.push(format!("{outside} of {} samples lie outside the area", features.features.len()));
    }
    if pixels.is_empty() {
        let why = "none of the samples lies on the cube";
        let swapped = on_grid_when_swapped(cube, features, &to_grid);
        return Err(SampleError::Unusable(if swapped > 0 {
            format!(
                "{why}; with longitude and latitude in each other's place {swapped} of {} would: swap them (longitude \
                 comes first)",
                features.features.len()
            )
        } else {
            format!("{why}: compare the samples' coordinates with the area")
        }));
    }
    let doubtful = keep_each_pixel_once(&mut pixels, &mut samples, &mut labels);
    if doubtful > 0 {
        notes.push(format!(
            "{doubtful} pixels lie in several samples: each counts once, and not at all where their classes differ"
        ));
    }
    if pixels.is_empty() {
        return Err(SampleError::Unusable("every sample overlaps one of another class".to_owned()));
    }
    let values = observe_pixels(cube, channels, &pixels, BLOCK_SIDE, done)?;
    let observations = Observations {
        series: channels.iter().map(|c| c.name().to_owned()).collect(),
        dates: cube.dates(),
        days: Calendar::Season.days(&cube.dates()),
        values,
        samples,
        labels: Labels { classes, labels },
    };
    Ok(Gathered { observations, notes })
}

/// Keeps the first of the samples that lie on the same pixel, and none where their classes differ:
/// the same series must not train and test, nor teach two classes. The number of such pixels.
fn keep_each_pixel_once(
    pixels: &mut Vec<(usize, usize)>,
    samples: &mut Vec<Sample>,
    labels: &mut Vec<u16>,
) -> usize {
    let mut seen: BTreeMap<(usize, usize), (usize, bool, usize)> = BTreeMap::new();
    for (i, (&pixel, &label)) in pixels.iter().zip(&*labels).enumerate() {
        let (first, agreed, times) = seen.entry(pixel).or_insert((i, true, 0));
        *agreed &= labels[*first] == label;
        *times += 1;
    }
    let doubtful = seen.values().filter(|s| s.2 > 1).count();
    if doubtful > 0 {
        let kept: Vec<bool> = pixels.iter().enumerate().map(|(i, p)| seen[p].0 == i && seen[p].1).collect();
        let mut at = kept.iter().copied().cycle();
        let mut keep = || at.next().unwrap_or(true);
        pixels.retain(|_| keep());
        samples.retain(|_| keep());
        labels.retain(|_| keep());
    }
    doubtful
}

/// Takes the series of a table: those `channels` name, which must be spectral indices or bands
/// that the table has columns for.
///
/// # Errors
/// A series that the table lacks, no property of that name, no row with a class.
pub fn from_table(
    table: &SeriesTable,
    channels: &[Channel],
    names: &ClassNames,
) -> Result<Gathered, SampleError> {
    let mut notes = Vec::new();
    let (classes, found) = labels_of(names, table.properties.iter(), &mut notes)?;
    let kept: Vec<usize> = (0..table.rows()).filter(|&r| found[r].is_some()).collect();
    if kept.is_empty() {
        return Err(SampleError::Unusable("no row of the table has a class".to_owned()));
    }
    let mut chosen = Vec::new();
    for channel in channels {
        let name = channel.name();
        let series = table.series.iter().find(|s| Channel::parse(&s.index).is_ok_and(|c| c.name() == name));
        chosen.push(series.ok_or_else(|| {
            let known: Vec<&str> = table.series.iter().map(|s| s.index.as_str()).collect();
            SampleError::Unusable(format!(
                "the table has no column `{name}@DATE` (it has {})",
                known.join(", ")
            ))
        })?);
    }
    let dates: BTreeSet<jiff::civil::Date> = chosen.iter().flat_map(|s| s.dates.iter().copied()).collect();
    let dates: Vec<_> = dates.into_iter().collect();
    let days = Calendar::Season.days(&dates);
    let mut values = Vec::with_capacity(chosen.len() * dates.len() * kept.len());
    for series in &chosen {
        for date in &dates {
            let at = series.dates.iter().position(|d| d == date);
            values.extend(kept.iter().map(|&r| at.map_or(f32::NAN, |d| series.values[d * table.rows() + r])));
        }
    }
    for (channel, values) in channels.iter().zip(values.chunks_exact_mut((dates.len() * kept.len()).max(1))) {
        notes.extend(super::plausible::check(*channel, values).map_err(SampleError::Unusable)?);
    }
    let sample = |&r: &usize| Sample { position: None, feature: r, properties: table.properties[r].clone() };
    let observations = Observations {
        series: channels.iter().map(|c| c.name().to_owned()).collect(),
        dates,
        days,
        values,
        samples: kept.iter().map(sample).collect(),
        labels: Labels { classes, labels: kept.iter().filter_map(|&r| found[r]).collect() },
    };
    Ok(Gathered { observations, notes })
}

/// Why a class cannot be trained, or nothing: fewer than two classes with samples.
///
/// # Errors
/// [`ClassifyError::Samples`] naming the classes and their counts.
pub fn check_classes(observations: &Observations) -> Result<(), ClassifyError> {
    let counts = observations.labels.counts();
    if counts.iter().filter(|&&n| n > 0).count() >= 2 {
        return Ok(());
    }
    let list: Vec<String> =
        observations.labels.classes.iter().zip(&counts).map(|(c, n)| format!("{c}: {n}")).collect();
    Err(ClassifyError::Samples(format!("at least two classes with samples are needed ({})", list.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(property: &str, classes: &[&str]) -> Vec<BTreeMap<String, Value>> {
        let row = |class: &&str| [(property.to_owned(), Value::Text((*class).to_owned()))].into();
        classes.iter().map(row).collect()
    }

    #[test]
    fn classes_that_look_alike_are_told() {
        let rows = rows("class", &["rice", "Rice ", "ｒｉｃｅ", "corn"]);
        let names = ClassNames { property: "class", classes: None };
        let mut notes = Vec::new();
        let (classes, _) = labels_of(&names, rows.iter(), &mut notes).unwrap();
        assert_eq!(classes.len(), 4);
        let told = "the classes `Rice `, `rice`, `ｒｉｃｅ` differ only by case, space or the width of signs";
        assert!(notes.len() == 1 && notes[0].starts_with(told), "{notes:?}");
    }

    #[test]
    fn another_usual_column_stands_in_for_class_but_not_for_one_that_was_asked_for() {
        let rows = rows("类别", &["水稻", "其他"]);
        let mut notes = Vec::new();
        let names = ClassNames { property: "class", classes: None };
        let (classes, _) = labels_of(&names, rows.iter(), &mut notes).unwrap();
        assert_eq!(classes, ["其他", "水稻"]);
        assert!(notes[0].contains("`类别`"), "{notes:?}");
        let names = ClassNames { property: "crop", classes: None };
        let error = labels_of(&names, rows.iter(), &mut notes).unwrap_err().to_string();
        assert!(error.contains("no sample has a property `crop` (there are: 类别)"), "{error}");
    }
}
