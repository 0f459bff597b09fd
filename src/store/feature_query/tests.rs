//! Random zones and random conditions: the columns find what a look at each zone finds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use geo::{Geometry, Intersects, polygon};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::crs::Crs;
use crate::io::feature_file::build;
use crate::ogc::cql2::Expr;

/// A zone as a plain map of values.
#[derive(Clone, Debug)]
struct Zone {
    geometry: Geometry<f64>,
    values: BTreeMap<&'static str, Json>,
}

fn zone() -> impl Strategy<Value = Zone> {
    let mine = prop::option::weighted(0.8, 0..12u8);
    let area = prop::option::weighted(0.9, 0..40u8);
    let name = prop::option::weighted(0.8, "[aB%_é' ]{0,3}");
    (
        (-20.0..20.0f64, -20.0..20.0f64, 0.01..3.0f64),
        area,
        mine,
        name,
        prop::option::weighted(0.8, any::<bool>()),
    )
        .prop_map(|((x, y, side), area, mine, name, open)| {
            let values = [
                ("areaHa", area.map(|a| json!(f64::from(a) / 4.0))),
                ("distanceM", mine.map(|m| json!(f64::from(m) * 500.0))),
                ("nearestMine", mine.map(|m| json!(format!("M{m}")))),
                ("name", name.map(Json::from)),
                ("open", open.map(Json::from)),
            ];
            let values = values.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
            let shape = polygon![(x: x, y: y), (x: x + side, y: y), (x: x, y: y + side)];
            Zone { geometry: shape.into(), values }
        })
}

/// A condition in words of CQL2.
fn condition() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("areaHa".to_owned()),
        Just("distanceM".to_owned()),
        (0..40u8).prop_map(|n| format!("{}", f64::from(n) / 4.0)),
        Just("areaHa * 300 + 2".to_owned()),
        Just("distanceM / (areaHa - 2)".to_owned()),
        Just("areaHa % 2 ^ 2 - 1 div 2".to_owned()),
        Just("12 - areaHa - distanceM - 2 + (3 - areaHa - 1) * 2".to_owned())
    ];
    let text = prop_oneof![
        Just("name".to_owned()),
        Just("nearestMine".to_owned()),
        "[aBMé1 ]{0,2}".prop_map(|t| format!("'{t}'")),
        Just("casei('B')".to_owned()),
        Just("casei(name)".to_owned())
    ];
    let how = prop_oneof![Just("="), Just("<>"), Just("<"), Just("<="), Just(">"), Just(">=")];
    let leaf = prop_oneof![
        (number.clone(), how.clone(), number.clone()).prop_map(|(a, how, b)| format!("{a} {how} {b}")),
        (text.clone(), how, text).prop_map(|(a, how, b)| format!("{a} {how} {b}")),
        (number.clone(), number.clone(), number).prop_map(|(a, b, c)| format!("{a} not between {b} and {c}")),
        Just("areaHa in (1, 2.5, -0)".to_owned()),
        Just("nearestMine not in ('M1', 'M11', 'x')".to_owned()),
        Just("name is null".to_owned()),
        Just("open".to_owned()),
        Just("open <> true".to_owned()),
        "[aB%_é]{0,3}".prop_map(|p| format!("name like '{p}'")),
        "[b%]{0,2}".prop_map(|p| format!("casei(name) not like casei('{p}')")),
        (-20.0..20.0f64, -20.0..20.0f64).prop_map(|(x, y)| format!(
            "s_intersects(geometry, bbox({x}, {y}, {}, {}))",
            x + 9.0,
            y + 4.0
        )),
        (-20.0..20.0f64, -20.0..20.0f64).prop_map(|(x, y)| format!(
            "s_disjoint(POLYGON(({x} {y}, {} {y}, {x} {}, {x} {y})), geometry)",
            x + 15.0,
            y + 15.0
        )),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|p| format!("({})", p.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|p| format!("({})", p.join(" or "))),
            inner.prop_map(|p| format!("not ({p})")),
        ]
    })
}

/// What a value is for a zone; null where it is missing.
fn value(expr: &Expr, zone: &Zone) -> Json {
    match expr {
        Expr::Number(n) => json!(n),
        Expr::Text(t) => json!(t),
        Expr::Bool(b) => json!(b),
        Expr::Property(name) => zone.values.get(name.as_str()).cloned().unwrap_or(Json::Null),
        Expr::Casei(inner) => value(inner, zone).as_str().map_or(Json::Null, |t| json!(t.to_lowercase())),
        Expr::Arithmetic(first, rest) => {
            rest.iter().fold(value(first, zone), |a, (how, b)| match (a.as_f64(), value(b, zone).as_f64()) {
                (Some(a), Some(b)) => json!(eval::calculate(*how, a, b)),
                _ => Json::Null,
            })
        }
        other => panic!("{other:?}"),
    }
}

fn folds(expr: &Expr) -> bool {
    matches!(expr, Expr::Casei(_))
}

fn compare(a: &Expr, b: &Expr, zone: &Zone, holds: &dyn Fn(Ordering) -> bool) -> Option<bool> {
    let fold = |v: Json| match v {
        Json::String(t) if folds(a) || folds(b) => Json::String(t.to_lowercase()),
        other => other,
    };
    match (fold(value(a, zone)), fold(value(b, zone))) {
        (Json::Number(a), Json::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?).map(holds),
        (Json::String(a), Json::String(b)) => Some(holds(a.cmp(&b))),
        (Json::Bool(a), Json::Bool(b)) => Some(holds(a.cmp(&b))),
        _ => None,
    }
}

/// The condition as its words say, a zone at a time.
fn truth(expr: &Expr, zone: &Zone) -> Option<bool> {
    match expr {
        Expr::And(parts) => {
            let all: Vec<_> = parts.iter().map(|p| truth(p, zone)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else if all.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Expr::Or(parts) => {
            let all: Vec<_> = parts.iter().map(|p| truth(p, zone)).collect();
            if all.contains(&Some(true)) {
                Some(true)
            } else if all.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Expr::Not(inner) => truth(inner, zone).map(|t| !t),
        Expr::Compare(how, a, b) => compare(a, b, zone, &|o| how.holds(o)),
        Expr::Between(v, a, b) => {
            let (low, high) = (compare(v, a, zone, &Ordering::is_ge), compare(v, b, zone, &Ordering::is_le));
            if low == Some(false) || high == Some(false) { Some(false) } else { Some(low? && high?) }
        }
        Expr::In(v, list) => {
            let all: Vec<_> = list.iter().map(|item| compare(v, item, zone, &Ordering::is_eq)).collect();
            if all.contains(&None) { None } else { Some(all.contains(&Some(true))) }
        }
        Expr::IsNull(v) => Some(value(v, zone).is_null()),
        Expr::Like(v, like) => {
            let fold = folds(v) || folds(like);
            let (Json::String(text), Json::String(like)) = (value(v, zone), value(like, zone)) else {
                return None;
            };
            let (text, like): (Vec<char>, Vec<char>) = if fold {
                (text.to_lowercase().chars().collect(), like.to_lowercase().chars().collect())
            } else {
                (text.chars().collect(), like.chars().collect())
            };
            Some(alike(&text, &like))
        }
        Expr::Spatial(relation, a, b) => {
            let other = match [a.as_ref(), b.as_ref()] {
                [Expr::Geometry(g), _] | [_, Expr::Geometry(g)] => g.clone(),
                [_, Expr::Bbox(b)] => rectangle(b),
                other => panic!("{other:?}"),
            };
            let meet = zone.geometry.intersects(&other);
            Some(if *relation == crate::ogc::cql2::SpatialRelation::Intersects { meet } else { !meet })
        }
        other => value(other, zone).as_bool(),
    }
}

/// `LIKE` by its definition.
fn alike(text: &[char], like: &[char]) -> bool {
    match like {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|n| alike(&text[n..], rest)),
        ['_', rest @ ..] => !text.is_empty() && alike(&text[1..], rest),
        [c, rest @ ..] => text.first() == Some(c) && alike(&text[1..], rest),
    }
}

fn columns(zones: &[Zone]) -> (tempfile::TempDir, FeatureFile) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("zones.geojson");
    // A first feature with a value of each kind fixes the columns.
    let features: Vec<Json> = zones
        .iter()
        .map(|z| {
            let Geometry::Polygon(p) = &z.geometry else { panic!() };
            let ring: Vec<_> = p.exterior().coords().map(|c| json!([c.x, c.y])).collect();
            json!({"type": "Feature", "properties": z.values, "geometry": {"type": "Polygon", "coordinates": [ring]}})
        })
        .collect();
    let text = json!({"type": "FeatureCollection", "features": features}).to_string();
    std::fs::write(&source, text).unwrap();
    let target = folder.path().join("columns");
    build(&source, "1", &target).unwrap();
    let file = FeatureFile::open(&target).unwrap();
    (folder, file)
}

fn full_zone() -> Zone {
    let values = [
        ("areaHa", json!(1.25)),
        ("distanceM", json!(2.5)),
        ("nearestMine", json!("M1")),
        ("name", json!("a")),
        ("open", json!(true)),
    ];
    let geometry = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 0.0, y: 1.0)].into();
    Zone { geometry, values: values.into() }
}

fn numbers(file: &FeatureFile, rows: &[u32]) -> Vec<usize> {
    file.features(rows, &[]).unwrap().iter().map(|f| f.number as usize).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn columns_find_what_a_look_at_every_zone_finds(
        mut zones in prop::collection::vec(zone(), 0..700),
        conditions in prop::collection::vec(condition(), 1..12),
        (west, south, width, height) in (-25.0..20.0f64, -25.0..20.0f64, 0.0..30.0f64, 0.0..30.0f64),
        falling in any::<bool>(), offset in 0..40usize, limit in 1..60usize,
    ) {
        zones.push(full_zone());
        let (_folder, file) = columns(&zones);
        for text in conditions {
            let expr = Expr::parse(&text).unwrap();
            let filter = Filter::compile(&expr, &file, &|_| Ok(()));
            let Ok(filter) = filter else { panic!("{text}: {}", filter.unwrap_err()) };
            let bounds = [west, south, west + width, south + height];
            let column = file.fields().iter().position(|f| f.name == "distanceM").unwrap();
            let query = FeatureQuery { boxes: vec![bounds], filters: vec![filter], sort: vec![(column, falling)] };
            let mut expected: Vec<usize> = (0..zones.len())
                .filter(|&i| truth(&expr, &zones[i]) == Some(true) && zones[i].geometry.intersects(&rectangle(&bounds)))
                .collect();
            expected.sort_by(|&a, &b| {
                let key = |i: usize| zones[i].values.get("distanceM").and_then(Json::as_f64).unwrap_or(f64::NAN);
                order(key(a), key(b), falling).then(a.cmp(&b))
            });
            let (matched, rows) = query.page(&file, offset, limit).unwrap();
            prop_assert_eq!(matched, expected.len(), "{}", text);
            prop_assert_eq!(query.count(&file).unwrap(), matched);
            let page: Vec<usize> = expected.iter().skip(offset).take(limit).map(|i| i + 1).collect();
            prop_assert_eq!(numbers(&file, &rows), page, "{}", text);
        }
    }
}

#[test]
fn mistakes_name_the_property_and_what_there_is() {
    let (_folder, file) = columns(&[full_zone()]);
    for (text, told) in [
        (
            "araHa > 2",
            "there is no property `araHa`; did you mean `areaHa`? (known: areaHa, distanceM, name, nearestMine, open, geometry)",
        ),
        ("areaHa > 'two'", "a number cannot be compared with a text"),
        ("name like 3", "`LIKE` takes a pattern"),
        ("areaHa like '3'", "not a number"),
        ("areaHa", "`areaHa` is no condition"),
        ("name + 1 = 2", "arithmetic takes numbers"),
        ("s_intersects(name, POINT(1 2))", "`name` is no geometry"),
        ("s_intersects(geometry, geometry)", "one side"),
        ("'a'", "a value is no condition"),
        ("areaHa = (name = 'a')", "a condition or geometry"),
    ] {
        let error = Filter::compile(&Expr::parse(text).unwrap(), &file, &|_| Ok(())).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    assert!(Filter::equal(&file, "areaHa", "much").unwrap_err().to_string().contains("no number"));
    assert!(Filter::equal(&file, "open", "true").is_ok());
}

#[test]
fn times_are_days_moments_and_spans_of_them() {
    let span = |text: &str| TimeSpan::parse(text).unwrap_or_else(|| panic!("{text}"));
    let day = span("2019-07-01");
    for (text, meets) in [
        ("2019-07-01T23:59:59Z", true),
        ("2019-07-02T00:00:00Z", false),
        ("2019-07-02T01:00:00+02:00", true),
        ("2019-06-01/2019-07-01", true),
        ("../2019-06-30", false),
        ("2019-07-01/..", true),
        ("/2019-07-05", true),
    ] {
        assert_eq!(day.meets(&span(text)), meets, "{text}");
    }
    for wrong in
        ["", "../..", "yesterday", "2019-07-02/2019-07-01", "2019-13-01", "2019", "a/b/c", "2019-07-01T10:00"]
    {
        assert!(TimeSpan::parse(wrong).is_none(), "{wrong}");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.csv");
    std::fs::write(&source, "lon,lat,date\n1,1,2019-07-01\n2,2,\n3,3,2020-01-01T10:00:00Z\n").unwrap();
    build(&source, "1", &folder.path().join("c")).unwrap();
    let file = FeatureFile::open(&folder.path().join("c")).unwrap();
    let column = time_column(&file).unwrap().unwrap();
    assert_eq!(time_format(&file, column).unwrap(), Some(TimeFormat::Mixed));
    let query = |text: &str| FeatureQuery {
        filters: vec![span(text).filter(&file, column).unwrap()],
        ..FeatureQuery::default()
    };
    for (text, count) in [
        ("date > DATE('2019-07-01')", 1),
        ("date = date('2019-07-01')", 1),
        ("date <= TIMESTAMP('2020-01-01T11:00:00+01:00')", 2),
        ("date < TIMESTAMP('2020-01-01T10:00:00Z')", 1),
        ("date between DATE('2019-01-01') and DATE('2019-12-31')", 1),
        ("TIMESTAMP('2020-01-01T10:00:00.000Z') = date", 1),
        ("date in (DATE('2019-07-01'), TIMESTAMP('2020-01-01T10:00:00Z'))", 2),
        ("date is null", 1),
    ] {
        let filter = Filter::compile(&Expr::parse(text).unwrap(), &file, &|_| Ok(())).unwrap();
        let query = FeatureQuery { filters: vec![filter], ..FeatureQuery::default() };
        assert_eq!(query.count(&file).unwrap(), count, "{text}");
    }
    for (text, told) in [
        ("date > DATE('2019-13-01')", "`DATE` takes a text such as '2019-07-01', not '2019-13-01'"),
        ("date > timestamp('2019-07-01')", "`timestamp` takes a text such as '2019-07-01T10:00:00Z'"),
    ] {
        assert!(Expr::parse(text).unwrap_err().to_string().contains(told), "{text}");
    }
    // With the one that has no time.
    assert_eq!(query("2019-07-01/2019-12-31").count(&file).unwrap(), 2);
    assert_eq!(query("2019-01-01/..").count(&file).unwrap(), 3);
    assert_eq!(query("0001-01-01T00:00:00Z/9999-12-31T23:59:59Z").count(&file).unwrap(), 3);
    assert_eq!(query("9999-12-31").count(&file).unwrap(), 1);
}

#[test]
fn a_column_of_times_may_have_blanks_and_other_texts() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, dates: &[&str]| {
        let features: Vec<Json> = dates
            .iter()
            .map(|date| {
                let geometry = json!({"type": "Point", "coordinates": [1, 2]});
                json!({"type": "Feature", "properties": {"date": date}, "geometry": geometry})
            })
            .collect();
        let source = folder.path().join(format!("{name}.geojson"));
        std::fs::write(&source, json!({"type": "FeatureCollection", "features": features}).to_string())
            .unwrap();
        build(&source, "1", &folder.path().join(name)).unwrap();
        FeatureFile::open(&folder.path().join(name)).unwrap()
    };
    for (name, dates, format, of_2019) in [
        ("blank", ["2019-07-01", "2020-01-01", ""], TimeFormat::Date, 2),
        ("spaces", ["2019-07-01", "2019-08-01", "  "], TimeFormat::Date, 3),
        ("unknown", ["2019-07-01", "2020-01-01", "-"], TimeFormat::Mixed, 2),
        ("times", ["2019-07-01T10:00:00Z", "2020-01-01T10:00:00+08:00", ""], TimeFormat::DateTime, 2),
        ("gdal", ["2019/07/01 10:00:00+00", "2020/01/01 10:00:00", "2021/05/05"], TimeFormat::Mixed, 1),
        ("chrono", ["2019-07-01 10:00:00 +00:00", "2020-01-01 10:00:00 UTC", ""], TimeFormat::Mixed, 2),
    ] {
        let file = read(name, &dates);
        let column = time_column(&file).unwrap();
        assert_eq!(column.map(|c| time_format(&file, c).unwrap()), Some(Some(format)), "{name}");
        let filter =
            TimeSpan::parse("2019-01-01/2019-12-31").unwrap().filter(&file, column.unwrap()).unwrap();
        let query = FeatureQuery { filters: vec![filter], ..FeatureQuery::default() };
        assert_eq!(query.count(&file).unwrap(), of_2019, "{name}");
    }
    for (name, dates) in [("words", ["soon", "later", "2019-07-01"]), ("blanks", ["", " ", "  "])] {
        assert_eq!(time_column(&read(name, &dates)).unwrap(), None, "{name}");
    }
}

#[test]
fn long_sums_are_counted_one_after_the_other() {
    let (_folder, file) = columns(&[full_zone()]);
    let count = |text: &str| {
        let filter = Filter::compile(&Expr::parse(text).unwrap(), &file, &|_| Ok(())).unwrap();
        FeatureQuery { filters: vec![filter], ..FeatureQuery::default() }.count(&file).unwrap()
    };
    assert_eq!(count(&format!("areaHa{} = 4001.25", "+1".repeat(4000))), 1);
    assert_eq!(count(&format!("areaHa{} = -3998.75", "-1".repeat(4000))), 1);
    assert_eq!(count(&format!("4001.25 = areaHa{}", "*areaHa/areaHa+1".repeat(900))), 0);
    assert_eq!(count(&format!("1{} = areaHa", "*1".repeat(4000))), 0);
    assert_eq!(count("(areaHa + 1) * 2 - 0.5 = 4"), 1);
}

#[test]
fn a_property_may_be_called_geometry() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.csv");
    std::fs::write(&source, "lon,lat,geometry\n1,1,round\n2,2,\n").unwrap();
    build(&source, "1", &folder.path().join("c")).unwrap();
    let file = FeatureFile::open(&folder.path().join("c")).unwrap();
    assert_eq!(geometry_name(&file), "geometry_");
    for (text, count) in [
        ("geometry = 'round'", 1),
        ("geometry is null", 1),
        ("geometry_ is null", 0),
        ("s_intersects(geometry_, POINT(1 1))", 1),
        ("s_intersects(geometry, POINT(1 1))", 1),
    ] {
        let filter = Filter::compile(&Expr::parse(text).unwrap(), &file, &|_| Ok(())).unwrap();
        let query = FeatureQuery { filters: vec![filter], ..FeatureQuery::default() };
        assert_eq!(query.count(&file).unwrap(), count, "{text}");
    }
}

#[test]
fn boxes_come_from_any_crs_and_over_the_antimeridian() {
    let wgs84 = Crs::wgs84();
    assert_eq!(
        in_degrees([170.0, -10.0, -170.0, 10.0], &wgs84).unwrap(),
        [[170.0, -10.0, 180.0, 10.0], [-180.0, -10.0, -170.0, 10.0]]
    );
    let utm = Crs::from_epsg(32649).unwrap();
    let [found] = in_degrees([700_000.0, 3_090_000.0, 701_000.0, 3_091_000.0], &utm).unwrap()[..] else {
        panic!()
    };
    assert!((113.0..113.1).contains(&found[0]) && (27.9..28.0).contains(&found[3]), "{found:?}");
    assert!(matches!(rectangle(&[1.0, 2.0, 1.0, 2.0]), Geometry::Point(_)));
}

#[test]
fn long_whole_numbers_are_compared_and_sorted_by_all_their_digits() {
    let first = 9_007_199_254_740_992_i64;
    let zone = |i: i64| {
        let values = if i == 3 { [("code", Json::Null)] } else { [("code", json!(first + i))] };
        Zone { values: values.into(), ..full_zone() }
    };
    let (_folder, file) = columns(&[2, 0, 3, 1, 4].map(zone));
    assert_eq!(file.fields()[0].kind, crate::vector::FieldKind::Integer);
    let found = |filter: Filter, falling: bool| {
        let query =
            FeatureQuery { filters: vec![filter], sort: vec![(0, falling)], ..FeatureQuery::default() };
        numbers(&file, &query.page(&file, 0, 10).unwrap().1)
    };
    let asked = |text: &str| {
        let filter = Filter::compile(&Expr::parse(text).unwrap(), &file, &|_| Ok(()));
        found(filter.unwrap(), false)
    };
    for (text, expected) in [
        ("code = 9007199254740993", &[4][..]),
        ("code <> 9007199254740993", &[2, 1, 5]),
        ("9007199254740993 < code", &[1, 5]),
        ("code <= 9007199254740993", &[2, 4]),
        ("code >= 9007199254740992.0", &[2, 4, 1, 5]),
        ("code in (9007199254740993, 9007199254740996)", &[4, 5]),
        ("code not in (9007199254740993, 9007199254740996)", &[2, 1]),
        ("code between 9007199254740993 and 9007199254740994", &[4, 1]),
        ("code > 0.5", &[2, 4, 1, 5]),
        ("code = 0.5", &[]),
        ("code = code", &[2, 4, 1, 5]),
        ("code is null", &[3]),
    ] {
        assert_eq!(asked(text), expected, "{text}");
    }
    assert_eq!(found(Filter::equal(&file, "code", "9007199254740993").unwrap(), false), [4]);
    let every = Filter::compile(&Expr::parse("true = true").unwrap(), &file, &|_| Ok(())).unwrap();
    assert_eq!(found(every, true), [5, 1, 4, 2, 3]);
    let stored = file.features(&[0, 1, 2, 3, 4], &[0]).unwrap();
    let exact = |f: &crate::io::feature_file::Stored| match &f.values[0] {
        crate::vector::Value::Integer(code) => *code - first == [2, 0, 3, 1, 4][f.number as usize - 1],
        value => *value == crate::vector::Value::Null && f.number == 3,
    };
    assert!(stored.iter().all(exact), "{stored:?}");
}
