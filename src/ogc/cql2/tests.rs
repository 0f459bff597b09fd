//! Conditions as people write them, and what is no condition.

use geo::{Geometry, Point};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Expr {
    Expr::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[expect(clippy::unnecessary_box_returns, reason = "as the tree holds it")]
fn property(name: &str) -> Box<Expr> {
    Box::new(Expr::Property(name.to_owned()))
}

#[expect(clippy::unnecessary_box_returns, reason = "as the tree holds it")]
fn number(n: f64) -> Box<Expr> {
    Box::new(Expr::Number(n))
}

#[test]
fn the_condition_of_the_planner_is_read() {
    let area = Expr::Compare(Comparison::Greater, property("areaHa"), number(2.0));
    let near = Expr::Compare(Comparison::Less, property("distanceM"), number(3000.0));
    assert_eq!(parse("areaHa > 2 and distanceM < 3000"), Expr::And(vec![area, near]));
}

#[test]
fn operators_bind_as_the_standard_says() {
    assert_eq!(parse("a = 1 or b = 2 and not c = 3"), parse("(a = 1) OR ((b = 2) AND (NOT (c = 3)))"));
    assert_eq!(parse("a + b * 2 ^ 2 - -1 > 3"), parse("((a + (b * (2 ^ 2))) - (-1)) > 3"));
    assert_eq!(parse("a between 1 and 2 and b is null"), parse("(a BETWEEN 1 AND 2) AND (b IS NULL)"));
    assert_eq!(parse("a not in (1, 2)"), Expr::Not(Box::new(parse("a in (1, 2)"))));
    assert_eq!(parse("name not like 'a''b%'"), Expr::Not(Box::new(parse("name LIKE 'a''b%'"))));
    assert_eq!(parse("\"my name\" is not null"), Expr::Not(Box::new(Expr::IsNull(property("my name")))));
    assert_eq!(parse("eo:cloud_cover < .1e2"), parse("eo:cloud_cover < 1").clone_with(10.0));
    assert_eq!(parse("nothing = 1"), Expr::Compare(Comparison::Equal, property("nothing"), number(1.0)));
}

impl Expr {
    /// The comparison with another number on its right.
    fn clone_with(&self, n: f64) -> Self {
        let Self::Compare(how, left, _) = self else { panic!() };
        Self::Compare(*how, left.clone(), number(n))
    }
}

#[test]
fn geometries_are_well_known_text_or_boxes() {
    let point = Box::new(Expr::Geometry(Geometry::Point(Point::new(113.1, -27.5))));
    let relation = |b| Expr::Spatial(SpatialRelation::Intersects, property("geometry"), b);
    assert_eq!(parse("S_INTERSECTS(geometry, POINT(113.1 -27.5))"), relation(point.clone()));
    assert_eq!(parse("s_intersects(geometry,point Z (113.1 -27.5 3))"), relation(point));
    assert_eq!(
        parse("S_intersects(geometry, bbox(179, -1, -179, 1))"),
        relation(Box::new(Expr::Bbox([179.0, -1.0, -179.0, 1.0])))
    );
    parse("s_within(geometry, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5))))");
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, at, told) in [
        ("", 1, "found the end"),
        ("areaHa >", 9, "found the end"),
        ("areaHa > 2 distanceM", 12, "expected an operator or the end, found `distanceM`"),
        ("areaHa # 2", 8, "`#` has no meaning here"),
        ("name = 'open", 8, "no ' ends"),
        ("a between 1 or 2", 13, "expected `AND`"),
        ("a not 3", 7, "`BETWEEN`, `LIKE` or `IN`"),
        ("a in ()", 7, "expected a property"),
        ("soundex(a) = 'x'", 1, "there is no function `soundex`"),
        ("s_intersects(a)", 1, "takes 2 arguments, not 1"),
        ("s_intersects(a, POLYGON((0 0, 1 1)))", 17, "geometry"),
        ("a = 12abc", 5, "no number"),
        ("and = 1", 1, "expected a property or a value, found `and`"),
    ] {
        let error = Expr::parse(text).unwrap_err();
        assert!(error.at == at && error.message.contains(told), "{text}: {error}");
    }
    let deep = format!("{}a = 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(Expr::parse(&deep).unwrap_err().message.contains("nested more than"));
    assert!(Expr::parse(&format!("{} a = 1", "not ".repeat(5000))).is_err());
    assert!(Expr::parse(&format!("a = {} 1", "-".repeat(5000))).is_err());
    assert!(Expr::parse(&format!("a in ({})", vec!["1"; 20_000].join(","))).is_err());
}

#[test]
fn long_chains_are_lists_and_their_length_is_limited() {
    for sign in ["+", "*"] {
        let Expr::Compare(_, left, _) = parse(&format!("a{} > 1", format!("{sign}1").repeat(4000))) else {
            panic!()
        };
        let Expr::Arithmetic(_, rest) = *left else { panic!() };
        assert_eq!(rest.len(), 4000);
        for text in [
            format!("a{} > 1", format!("{sign}1").repeat(8000)),
            format!("a > 1{}", format!("{sign}1").repeat(8000)),
        ] {
            let told = Expr::parse(&text).unwrap_err().to_string();
            assert!(told.contains("more than 10000 names, values and operators"), "{told}");
        }
    }
    // As long as a condition may be, of what people write: lists of values, alternatives.
    parse(&format!("a in ({})", vec!["1"; 8000].join(",")));
    parse(&vec!["a=1"; 2300].join(" or "));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-c0-9 ()<>=,'\"+*/%^.-]{0,60}|(and|or|not|in|like|between|is|null|POINT|\\(|\\)|,| |a|1|')*") {
        let _ = Expr::parse(&text);
    }
}
