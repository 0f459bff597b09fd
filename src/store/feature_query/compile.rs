//! From CQL2 to conditions on the columns of a file.

use geo::{Geometry, MultiPolygon};
use jiff::civil::DateTime;

use super::eval::{FALSE, UNKNOWN, calculate};
use super::spatial::{Shape, rectangle};
use super::texts::{Codes, folded, pattern};
use super::times::beginning;
use crate::io::IoError;
use crate::io::feature_file::{FeatureFile, LonLatBox};
use crate::ogc::cql2::{Arithmetic, Comparison, Expr, SpatialRelation};
use crate::ogc::hint;
use crate::vector::FieldKind;

/// What the geometry of a feature is called in conditions: `geometry`, with `_` behind it where a property has
/// that name.
pub fn geometry_name(file: &FeatureFile) -> String {
    let mut name = "geometry".to_owned();
    while file.fields().iter().any(|field| field.name == name) {
        name.push('_');
    }
    name
}

/// Why a condition cannot be asked of a file.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// It names a property that features do not have, or compares what cannot be compared.
    #[error("{0}")]
    Wrong(String),
    /// The file.
    #[error(transparent)]
    File(#[from] IoError),
}

/// A condition on the features of one file.
#[derive(Debug)]
pub struct Filter {
    node: Node,
    boxes: Option<Vec<LonLatBox>>,
}

/// A condition on columns.
#[derive(Debug)]
pub(super) enum Node {
    Const(u8),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Numbers(Comparison, Number, Number),
    /// One of sorted numbers.
    OneOf(Number, Vec<f64>),
    /// A column of long whole numbers beside one.
    Longs(Comparison, usize, i128),
    /// Two columns of whole numbers, one of them long.
    LongPair(Comparison, usize, usize),
    Missing(usize),
    Codes(usize, Codes),
    /// Two columns of texts; whether upper and lower case are one.
    TextPair(Comparison, usize, usize, bool),
    Spatial(Box<Shape>),
}

/// A number of each row.
#[derive(Debug)]
pub(super) enum Number {
    Const(f64),
    /// A whole number of which floating point would lose digits.
    Long(i64),
    Column(usize),
    /// A number and what is done to it, from left to right.
    Of(Box<Self>, Vec<(Arithmetic, Self)>),
}

/// A side of a comparison. Texts tell whether upper and lower case are one.
enum Side {
    Number(Number),
    Flag(Number),
    Text(String, bool),
    TextColumn(usize, bool),
    Time(DateTime),
}

impl Side {
    fn rounded(self) -> Self {
        if let Self::Number(number) = self { Self::Number(number.rounded()) } else { self }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Text(..) | Self::TextColumn(..) => "a text",
            Self::Time(_) => "a time",
        }
    }
}

type Compiled<T> = Result<T, FilterError>;

fn wrong<T>(message: impl Into<String>) -> Compiled<T> {
    Err(FilterError::Wrong(message.into()))
}

impl Filter {
    /// A condition that CQL2 tells. `to_degrees` brings its geometries to longitude and latitude.
    ///
    /// # Errors
    /// [`FilterError::Wrong`] names the property that is not known, or what does not fit.
    pub fn compile(
        expr: &Expr,
        file: &FeatureFile,
        to_degrees: &dyn Fn(&mut Geometry<f64>) -> Result<(), String>,
    ) -> Compiled<Self> {
        Ok(Self::of(Compiler { file, to_degrees }.condition(expr)?))
    }

    /// The features of which a property is what a text says.
    ///
    /// # Errors
    /// As [`Filter::compile`].
    pub fn equal(file: &FeatureFile, property: &str, value: &str) -> Compiled<Self> {
        let compiler = Compiler { file, to_degrees: &|_| Ok(()) };
        let column = compiler.column(property)?;
        let kind = file.fields()[column].kind;
        let literal = match kind {
            FieldKind::Text => Expr::Text(value.to_owned()),
            FieldKind::Integer | FieldKind::Real => match (value.parse::<i64>(), value.parse::<f64>()) {
                (Ok(n), _) if kind == FieldKind::Integer => Expr::Integer(n),
                (_, Ok(n)) if n.is_finite() => Expr::Number(n),
                _ => return wrong(format!("`{value}` is no number, as `{property}` is")),
            },
            FieldKind::Boolean => match value {
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                _ => return wrong(format!("`{value}` is neither true nor false, as `{property}` is")),
            },
        };
        let property = Box::new(Expr::Property(property.to_owned()));
        Ok(Self::of(compiler.condition(&Expr::Compare(Comparison::Equal, property, Box::new(literal)))?))
    }

    /// The condition that nothing fulfils.
    pub fn nothing() -> Self {
        Self::of(Node::Const(FALSE))
    }

    pub(super) fn of(node: Node) -> Self {
        let boxes = boxes_of(&node);
        Self { node, boxes }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Boxes outside of which nothing fulfils it, where there are such.
    pub(super) fn boxes(&self) -> Option<&[LonLatBox]> {
        self.boxes.as_deref()
    }
}

fn boxes_of(node: &Node) -> Option<Vec<LonLatBox>> {
    match node {
        Node::Spatial(shape) if shape.relation != SpatialRelation::Disjoint => Some(vec![shape.bounds]),
        Node::And(parts) => parts.iter().find_map(boxes_of),
        Node::Or(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(boxes_of).collect();
            Some(all?.concat())
        }
        _ => None,
    }
}

struct Compiler<'a> {
    file: &'a FeatureFile,
    to_degrees: &'a dyn Fn(&mut Geometry<f64>) -> Result<(), String>,
}

impl Compiler<'_> {
    fn column(&self, name: &str) -> Compiled<usize> {
        let fields = self.file.fields();
        fields.iter().position(|f| f.name == name).ok_or_else(|| {
            let geometry = geometry_name(self.file);
            let known: Vec<&str> =
                fields.iter().map(|f| f.name.as_str()).chain([geometry.as_str()]).collect();
            let near = hint(name, known.iter().copied());
            FilterError::Wrong(format!("there is no property `{name}`{near} (known: {})", known.join(", ")))
        })
    }

    fn condition(&self, expr: &Expr) -> Compiled<Node> {
        Ok(match expr {
            Expr::And(parts) => {
                let mut parts: Vec<Node> =
                    parts.iter().map(|p| self.condition(p)).collect::<Result<_, _>>()?;
                // What is cheap first.
                parts.sort_by_key(|p| matches!(p, Node::Spatial(_)));
                Node::And(parts)
            }
            Expr::Or(parts) => Node::Or(parts.iter().map(|p| self.condition(p)).collect::<Result<_, _>>()?),
            Expr::Not(inner) => Node::Not(Box::new(self.condition(inner)?)),
            Expr::Compare(how, left, right) => self.compare(*how, self.side(left)?, self.side(right)?)?,
            Expr::Between(value, least, most) => Node::And(vec![
                self.compare(Comparison::GreaterOrEqual, self.side(value)?, self.side(least)?)?,
                self.compare(Comparison::LessOrEqual, self.side(value)?, self.side(most)?)?,
            ]),
            Expr::In(value, list) => self.one_of(value, list)?,
            Expr::Like(value, like) => self.like(value, like)?,
            Expr::IsNull(value) => match value.as_ref() {
                Expr::Property(name) if *name == geometry_name(self.file) => Node::Const(FALSE),
                Expr::Property(name) => Node::Missing(self.column(name)?),
                _ => return wrong("`IS NULL` stands behind a property"),
            },
            Expr::Spatial(relation, a, b) => self.spatial(*relation, a, b)?,
            Expr::Bool(truth) => Node::Const(u8::from(*truth)),
            Expr::Property(name) => match self.side(expr)? {
                flag @ Side::Flag(_) => {
                    self.compare(Comparison::Equal, flag, Side::Flag(Number::Const(1.0)))?
                }
                _ => return wrong(format!("`{name}` is no condition: compare it with a value")),
            },
            _ => return wrong("a value is no condition: compare it with a property"),
        })
    }

    fn side(&self, expr: &Expr) -> Compiled<Side> {
        Ok(match expr {
            Expr::Number(n) => Side::Number(Number::Const(*n)),
            Expr::Integer(n) if i128::from(*n) == *n as f64 as i128 => Side::Number(Number::Const(*n as f64)),
            Expr::Integer(n) => Side::Number(Number::Long(*n)),
            Expr::Bool(flag) => Side::Flag(Number::Const(f64::from(u8::from(*flag)))),
            Expr::Text(text) => Side::Text(text.clone(), false),
            Expr::Time(time) => Side::Time(*time),
            Expr::Property(name) => {
                let column = self.column(name)?;
                match self.file.fields()[column].kind {
                    FieldKind::Text => Side::TextColumn(column, false),
                    FieldKind::Boolean => Side::Flag(Number::Column(column)),
                    FieldKind::Integer | FieldKind::Real => Side::Number(Number::Column(column)),
                }
            }
            Expr::Casei(inner) => match self.side(inner)? {
                Side::Text(text, _) => Side::Text(folded(&text), true),
                Side::TextColumn(column, _) => Side::TextColumn(column, true),
                other => return wrong(format!("`casei` takes a text, not {}", other.what())),
            },
            Expr::Arithmetic(first, rest) => {
                let number = |expr: &Expr| match self.side(expr)? {
                    Side::Number(number) => Ok(number.rounded()),
                    other => wrong(format!("arithmetic takes numbers, not {}", other.what())),
                };
                let mut found = number(first)?;
                for (how, operand) in rest {
                    found = match (found, number(operand)?) {
                        (Number::Const(a), Number::Const(b)) => Number::Const(calculate(*how, a, b)),
                        (Number::Of(first, mut rest), operand) => {
                            rest.push((*how, operand));
                            Number::Of(first, rest)
                        }
                        (first, operand) => Number::Of(Box::new(first), vec![(*how, operand)]),
                    };
                }
                Side::Number(found)
            }
            _ => return wrong("a condition or geometry stands where a value should"),
        })
    }

    fn compare(&self, how: Comparison, left: Side, right: Side) -> Compiled<Node> {
        Ok(match (left, right) {
            (Side::Number(a), Side::Number(b)) | (Side::Flag(a), Side::Flag(b)) => self.numbers(how, a, b),
            (Side::Text(a, x), Side::Text(b, y)) => {
                let fold = |t: String| if x || y { folded(&t) } else { t };
                Node::Const(u8::from(how.holds(fold(a).cmp(&fold(b)))))
            }
            (Side::TextColumn(a, x), Side::TextColumn(b, y)) => Node::TextPair(how, a, b, x || y),
            (Side::Text(text, fold), Side::TextColumn(column, folds)) => {
                self.compare(how.mirrored(), Side::TextColumn(column, folds), Side::Text(text, fold))?
            }
            (Side::TextColumn(column, folds), Side::Text(text, fold)) => {
                let codes = if fold || folds {
                    let text = folded(&text);
                    Codes::chosen(self.file, column, |t| how.holds(folded(t).as_str().cmp(text.as_str())))?
                } else {
                    Codes::compared(self.file, column, how, &text)?
                };
                Node::Codes(column, codes)
            }
            (Side::Time(a), Side::Time(b)) => Node::Const(u8::from(how.holds(a.cmp(&b)))),
            // Texts that tell no time are at none.
            (Side::TextColumn(column, _), Side::Time(time)) => {
                let fits = |t: &str| beginning(t).is_some_and(|t| how.holds(t.cmp(&time)));
                Node::Codes(column, Codes::chosen(self.file, column, fits)?)
            }
            (time @ Side::Time(_), column @ Side::TextColumn(..)) => {
                self.compare(how.mirrored(), column, time)?
            }
            (left, right) => {
                return wrong(format!("{} cannot be compared with {}", left.what(), right.what()));
            }
        })
    }

    fn numbers(&self, how: Comparison, a: Number, b: Number) -> Node {
        let is_long = |column: &usize| self.file.is_long(*column);
        let is_whole = |column: &usize| self.file.fields()[*column].kind == FieldKind::Integer;
        match (a, b) {
            (Number::Long(x), Number::Long(y)) => Node::Const(u8::from(how.holds(x.cmp(&y)))),
            (Number::Column(a), Number::Column(b))
                if (is_long(&a) || is_long(&b)) && is_whole(&a) && is_whole(&b) =>
            {
                Node::LongPair(how, a, b)
            }
            (Number::Column(column), Number::Long(n)) if is_whole(&column) => {
                Node::Longs(how, column, n.into())
            }
            (Number::Column(column), Number::Const(n)) if is_long(&column) && !n.is_nan() => {
                Node::Longs(how, column, bound(how, n))
            }
            (constant @ (Number::Long(_) | Number::Const(_)), column @ Number::Column(_)) => {
                self.numbers(how.mirrored(), column, constant)
            }
            (a, b) => match (a.rounded(), b.rounded()) {
                (Number::Const(x), Number::Const(y)) => {
                    Node::Const(x.partial_cmp(&y).map_or(UNKNOWN, |o| u8::from(how.holds(o))))
                }
                (a, b) => Node::Numbers(how, a, b),
            },
        }
    }

    fn one_of(&self, value: &Expr, list: &[Expr]) -> Compiled<Node> {
        let value = self.side(value)?;
        let mut sides = list.iter().map(|item| self.side(item)).collect::<Compiled<Vec<Side>>>()?;
        if matches!(value, Side::Number(Number::Of(..))) {
            sides = sides.into_iter().map(Side::rounded).collect();
        }
        let long = |n: &Number| matches!(n, Number::Column(column) if self.file.is_long(*column));
        if let (Side::Number(n), Some(mut numbers)) = (&value, constants(&sides))
            && !long(n)
        {
            let Side::Number(number) = value else { return wrong("a list of numbers") };
            numbers.sort_by(f64::total_cmp);
            return Ok(Node::OneOf(number, numbers));
        }
        if let (Side::TextColumn(column, false), Some(texts)) = (&value, literals(&sides)) {
            return Ok(Node::Codes(*column, Codes::chosen(self.file, *column, |t| texts.contains(t))?));
        }
        let again = |side: &Side| match side {
            Side::Text(text, fold) => Side::Text(text.clone(), *fold),
            Side::TextColumn(column, fold) => Side::TextColumn(*column, *fold),
            Side::Flag(Number::Column(column)) => Side::Flag(Number::Column(*column)),
            Side::Number(Number::Column(column)) => Side::Number(Number::Column(*column)),
            _ => Side::Number(Number::Const(f64::NAN)),
        };
        if !matches!(
            value,
            Side::Text(..)
                | Side::TextColumn(..)
                | Side::Flag(Number::Column(_))
                | Side::Number(Number::Column(_))
        ) {
            return wrong("a list stands behind a property, and holds values of its kind");
        }
        let parts = sides.into_iter().map(|side| self.compare(Comparison::Equal, again(&value), side));
        Ok(Node::Or(parts.collect::<Result<_, _>>()?))
    }

    fn like(&self, value: &Expr, like: &Expr) -> Compiled<Node> {
        let (text, folds) = match self.side(like)? {
            Side::Text(text, fold) => (text, fold),
            other => return wrong(format!("`LIKE` takes a pattern, not {}", other.what())),
        };
        match self.side(value)? {
            Side::TextColumn(column, fold) => {
                let pattern = pattern(&text, fold || folds)
                    .map_err(|_| FilterError::Wrong("the pattern of `LIKE` is too long".to_owned()))?;
                Ok(Node::Codes(column, Codes::chosen(self.file, column, |t| pattern.is_match(t))?))
            }
            other => wrong(format!("`LIKE` stands behind a property that is a text, not {}", other.what())),
        }
    }

    fn spatial(&self, relation: SpatialRelation, a: &Expr, b: &Expr) -> Compiled<Node> {
        use SpatialRelation as R;
        let geometry = geometry_name(self.file);
        // No property is a geometry: where one is meant, `geometry` is that of the feature.
        let own = |e: &Expr| matches!(e, Expr::Property(name) if *name == geometry || name == "geometry");
        let (relation, other) = match (own(a), own(b), relation) {
            (true, false, relation) => (relation, b),
            (false, true, R::Within) => (R::Contains, a),
            (false, true, R::Contains) => (R::Within, a),
            (false, true, relation) => (relation, a),
            (true, true, _) => return wrong("one side of a spatial condition is a geometry or a box"),
            (false, false, _) => {
                if let Some(Expr::Property(name)) =
                    [a, b].into_iter().find(|e| matches!(e, Expr::Property(_)))
                {
                    return wrong(format!(
                        "`{name}` is no geometry; that of a feature is called `{geometry}`"
                    ));
                }
                return wrong(format!("one side of a spatial condition is `{geometry}`"));
            }
        };
        let mut shape = match other {
            Expr::Geometry(geometry) => geometry.clone(),
            Expr::Bbox([west, south, east, north]) if west > east => {
                let parts = [[*west, *south, 180.0, *north], [-180.0, *south, *east, *north]];
                let polygon = |b| match rectangle(b) {
                    Geometry::Polygon(p) => Some(p),
                    _ => None,
                };
                Geometry::MultiPolygon(MultiPolygon(parts.iter().filter_map(polygon).collect()))
            }
            Expr::Bbox(bounds) => rectangle(bounds),
            _ => {
                return wrong(
                    "a spatial condition holds the geometry of a feature against a geometry or box",
                );
            }
        };
        (self.to_degrees)(&mut shape).map_err(FilterError::Wrong)?;
        match Shape::new(relation, shape) {
            Some(shape) => Ok(Node::Spatial(Box::new(shape))),
            None => Ok(Node::Const(FALSE)),
        }
    }
}

impl Number {
    /// The same where floating point calculates with it.
    fn rounded(self) -> Self {
        if let Self::Long(n) = self { Self::Const(n as f64) } else { self }
    }
}

/// The whole number that whole numbers compare with as they do with this one.
fn bound(how: Comparison, n: f64) -> i128 {
    match how {
        Comparison::Less | Comparison::GreaterOrEqual => n.ceil() as i128,
        Comparison::LessOrEqual | Comparison::Greater => n.floor() as i128,
        Comparison::Equal | Comparison::Unequal if n.fract() == 0.0 => n as i128,
        Comparison::Equal | Comparison::Unequal => i128::MAX,
    }
}

/// The numbers of a list of nothing else.
fn constants(sides: &[Side]) -> Option<Vec<f64>> {
    sides.iter().map(|s| if let Side::Number(Number::Const(n)) = s { Some(*n + 0.0) } else { None }).collect()
}

/// The texts of a list of nothing else.
fn literals(sides: &[Side]) -> Option<std::collections::HashSet<&str>> {
    sides.iter().map(|s| if let Side::Text(t, false) = s { Some(t.as_str()) } else { None }).collect()
}
