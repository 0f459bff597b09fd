//! Zones and mines as features.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use geo::Geometry;

use super::{FoundZones, Joined};
use crate::crs::Crs;
use crate::process::mines::Mines;
use crate::process::{Context, ProcessError};
use crate::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value, columns};

/// Zones between two looks at whether to go on.
const BATCH: usize = 4096;

/// A year, and which share of each zone had the zone's class in it.
pub struct YearOf {
    /// The year.
    pub year: i16,
    /// By zone.
    pub shares: Vec<f64>,
}

/// Share of a zone's pixels from which on a year counts.
const MOST: f64 = 0.5;

/// A zone as it is written, for tables and pictures.
#[derive(Clone, Debug)]
pub struct ZoneRow {
    /// Its number in the output, from 1: the largest first.
    pub id: usize,
    /// Its number among the found ones.
    pub zone: usize,
    /// Hectares.
    pub hectares: f64,
}

/// Writes zones, the largest first, and returns them in that order.
///
/// # Errors
/// [`ProcessError::Failed`]: disk full. [`ProcessError::Cancelled`].
pub fn write_zones(
    output: &str,
    found: &FoundZones,
    probability: Option<&[f64]>,
    years: &[YearOf],
    mines: Option<(&Mines, &Joined)>,
    context: &Context<'_>,
) -> Result<Vec<ZoneRow>, ProcessError> {
    let mut order: Vec<usize> = (0..found.zones.zones.len()).collect();
    order.sort_by(|&a, &b| {
        found.areas[b].partial_cmp(&found.areas[a]).unwrap_or(Ordering::Equal).then(a.cmp(&b))
    });
    let rows: Vec<ZoneRow> =
        (1..).zip(order).map(|(id, zone)| ZoneRow { id, zone, hectares: found.areas[zone] / 1e4 }).collect();
    if !context.sink.wants(output) {
        return Ok(rows);
    }
    let mut writer = context.sink.features(output, &schema(found, mines.map(|(mines, _)| mines)))?;
    context.progress.step("write the zones", rows.len() as u64);
    for (done, row) in rows.iter().enumerate() {
        if done % BATCH == 0 {
            context.cancel.check()?;
            context.progress.done(done as u64);
        }
        let zone = &found.zones.zones[row.zone];
        let class = found.legend.entry(zone.code).map_or(Value::Null, |c| Value::Text(c.name.clone()));
        let seen: Vec<String> =
            years.iter().filter(|y| y.shares[row.zone] >= MOST).map(|y| y.year.to_string()).collect();
        let mut values = vec![
            row.id.into(),
            class,
            Value::Number(row.hectares),
            zone.pixels.into(),
            number(probability.map(|p| rounded(p[row.zone], 2))),
            if years.is_empty() { Value::Null } else { Value::Text(seen.join(", ")) },
        ];
        values.extend(beside(row.zone, mines));
        let mut polygon = found.zones.polygon(row.zone, &found.grid.affine);
        let geometry = match polygon.0.len() {
            1 => Geometry::Polygon(polygon.0.remove(0)),
            _ => Geometry::MultiPolygon(polygon),
        };
        writer.push(&geometry, &values)?;
    }
    writer.finish()?;
    Ok(rows)
}

fn schema(found: &FoundZones, mines: Option<&Mines>) -> FeatureSchema {
    use FieldKind::{Integer, Real, Text};
    let fields = [
        ("id", Integer),
        ("class", Text),
        ("areaHa", Real),
        ("pixels", Integer),
        ("meanProbability", Real),
        ("years", Text),
        // As in the output `mines`, so that the two join.
        ("nearestMine", mines.map_or(Text, Mines::kind_of_ids)),
        ("nearestMineName", Text),
        ("nearestMineCommodity", Text),
        ("distanceM", Real),
        ("bearingDeg", Real),
        ("minesWithin", Integer),
        ("mineDensity", Real),
    ];
    FeatureSchema {
        crs: found.grid.crs.clone(),
        geometry: GeometryKind::Polygon,
        fields: fields.into_iter().map(|(name, kind)| Field::new(name, kind)).collect(),
        style: "zones",
    }
}

/// The attributes that tell of mines.
fn beside(zone: usize, mines: Option<(&Mines, &Joined)>) -> Vec<Value> {
    let Some((mines, joined)) = mines else { return vec![Value::Null; 7] };
    let near = &joined.near[zone];
    let mut values = match near.nearest {
        None => vec![Value::Null; 5],
        Some((mine, metres, bearing)) => {
            let text = |names: &[&str]| match mines.property(mine, names) {
                Value::Null => Value::Null,
                value => Value::Text(value.to_string()),
            };
            let name = text(columns::NAME);
            let commodity = text(columns::COMMODITY);
            vec![
                mines.id(mine),
                name,
                commodity,
                number(Some(rounded(metres, 3))),
                number(bearing.map(|b| rounded(b, 3))),
            ]
        }
    };
    values.push(Value::Integer(near.within.into()));
    values.push(Value::Number(rounded(near.density, 6)));
    values
}

/// NaN has no place in a table.
fn number(value: Option<f64>) -> Value {
    value.filter(|v| v.is_finite()).map_or(Value::Null, Value::Number)
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// The name of the field that holds the hectares of a band.
fn band_name(from: f64, to: f64) -> String {
    format!("stressedHa{from}To{to}M")
}

/// Writes mines with their ids, all their properties, and the hectares of zones around each by band.
///
/// # Errors
/// [`ProcessError::Failed`]: disk full.
pub fn write_mines(
    output: &str,
    mines: &Mines,
    joined: &Joined,
    edges: &[f64],
    context: &Context<'_>,
) -> Result<(), ProcessError> {
    if !context.sink.wants(output) {
        return Ok(());
    }
    let from = |i: usize| if i == 0 { 0.0 } else { edges[i - 1] };
    let id = Field::new("id", mines.kind_of_ids());
    let mut own = vec![Field::new("stressedHa", FieldKind::Real)];
    own.extend(edges.iter().enumerate().map(|(i, &to)| Field::new(band_name(from(i), to), FieldKind::Real)));
    let taken: BTreeSet<String> = own.iter().chain([&id]).map(|f| f.name.to_lowercase()).collect();
    let mut kinds: BTreeMap<&str, Option<FieldKind>> = BTreeMap::new();
    for (name, value) in mines.features().iter().flat_map(|f| &f.properties) {
        let kind = kinds.entry(name).or_insert(None);
        *kind = joint(*kind, value);
    }
    // A name that the results need goes to them, whatever it meant in the file.
    kinds.retain(|name, _| !taken.contains(&name.to_lowercase()));
    let names: Vec<String> = kinds.keys().map(|n| (*n).to_owned()).collect();
    let mut fields: Vec<Field> =
        kinds.iter().map(|(name, kind)| Field::new(*name, kind.unwrap_or(FieldKind::Text))).collect();
    fields.extend(own.iter().cloned());
    fields.insert(0, id);
    let points = mines.geometries().all(|g| matches!(g, Geometry::Point(_)));
    let schema = FeatureSchema {
        crs: Crs::wgs84(),
        geometry: if points { GeometryKind::Point } else { GeometryKind::Any },
        fields,
        style: "mines",
    };
    let mut writer = context.sink.features(output, &schema)?;
    for (mine, (feature, bands)) in mines.features().iter().zip(&joined.bands).enumerate() {
        let own = names.iter().zip(&schema.fields[1..]).map(|(name, field)| {
            match (feature.properties.get(name), field.kind) {
                (None | Some(Value::Null), _) => Value::Null,
                (Some(value), FieldKind::Text) => Value::Text(value.to_string()),
                (Some(value), _) => value.clone(),
            }
        });
        let mut values: Vec<Value> = std::iter::once(mines.id(mine)).chain(own).collect();
        values.push(Value::Number(rounded(bands.iter().sum::<f64>() / 1e4, 6)));
        values.extend(bands.iter().map(|area| Value::Number(rounded(area / 1e4, 6))));
        writer.push(&feature.geometry, &values)?;
    }
    writer.finish()
}

/// The kind that holds what was seen before and one more value.
fn joint(before: Option<FieldKind>, value: &Value) -> Option<FieldKind> {
    let kind = match value {
        Value::Null => return before,
        Value::Bool(_) => FieldKind::Boolean,
        Value::Integer(_) => FieldKind::Integer,
        Value::Number(_) => FieldKind::Real,
        Value::Text(_) => FieldKind::Text,
    };
    match before {
        None => Some(kind),
        Some(same) if same == kind => before,
        Some(FieldKind::Integer | FieldKind::Real) if value.as_f64().is_some() => Some(FieldKind::Real),
        Some(_) => Some(FieldKind::Text),
    }
}
