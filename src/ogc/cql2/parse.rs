//! From words to a tree, the loosest operators first: or, and, not, comparison, sums, products, powers.

use geo::{CoordsIter, Geometry};
use geozero::ToGeo;
use geozero::wkt::Wkt;

use super::lex::{Placed, Token, tokens};
use super::{Arithmetic, Comparison, Cql2Error, Expr, SpatialRelation};
use crate::ogc::dates::moments;

/// Parentheses within parentheses.
const DEEPEST: usize = 64;
/// Collections within collections.
const DEEPEST_GEOMETRY: usize = 8;

const COMPARISONS: [(&str, Comparison); 6] = [
    ("=", Comparison::Equal),
    ("<>", Comparison::Unequal),
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

const RELATIONS: [(&str, SpatialRelation); 8] = [
    ("S_INTERSECTS", SpatialRelation::Intersects),
    ("S_DISJOINT", SpatialRelation::Disjoint),
    ("S_EQUALS", SpatialRelation::Equals),
    ("S_TOUCHES", SpatialRelation::Touches),
    ("S_WITHIN", SpatialRelation::Within),
    ("S_OVERLAPS", SpatialRelation::Overlaps),
    ("S_CROSSES", SpatialRelation::Crosses),
    ("S_CONTAINS", SpatialRelation::Contains),
];

const GEOMETRIES: [&str; 7] =
    ["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"];

/// Words that are no names of properties.
const KEYWORDS: [&str; 11] =
    ["AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "IS", "NULL", "TRUE", "FALSE", "DIV"];

/// The condition that a text is.
pub fn condition(text: &str) -> Result<Expr, Cql2Error> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let found = parser.any_of()?;
    match parser.peek() {
        Token::End => Ok(found),
        other => Err(parser.expected("an operator or the end", &other.clone())),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

type Parsed = Result<Expr, Cql2Error>;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn fault(&self, message: impl Into<String>) -> Cql2Error {
        let at = self.tokens[self.next.min(self.tokens.len() - 1)].0 + 1;
        Cql2Error { at, message: message.into() }
    }

    fn expected(&self, what: &str, found: &Token) -> Cql2Error {
        self.fault(format!("expected {what}, found {found}"))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn needs(&mut self, sign: &str) -> Result<(), Cql2Error> {
        if self.sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"), &self.peek().clone())) }
    }

    /// One level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Cql2Error>) -> Result<T, Cql2Error> {
        if self.depth == DEEPEST {
            return Err(self.fault(format!("the condition is nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn any_of(&mut self) -> Parsed {
        let mut parts = vec![self.all_of()?];
        while self.word("OR") {
            parts.push(self.all_of()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::Or(parts) })
    }

    fn all_of(&mut self) -> Parsed {
        let mut parts = vec![self.not()?];
        while self.word("AND") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::And(parts) })
    }

    fn not(&mut self) -> Parsed {
        if self.word("NOT") {
            return Ok(Expr::Not(Box::new(self.deeper(Self::not)?)));
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Parsed {
        let left = self.sum()?;
        if let Token::Sign(sign) = self.peek()
            && let Some((_, how)) = COMPARISONS.iter().find(|(s, _)| s == sign)
        {
            self.next += 1;
            return Ok(Expr::Compare(*how, Box::new(left), Box::new(self.sum()?)));
        }
        if self.word("IS") {
            let not = self.word("NOT");
            if !self.word("NULL") {
                return Err(self.expected("`NULL`", &self.peek().clone()));
            }
            return Ok(negated(not, Expr::IsNull(Box::new(left))));
        }
        let not = self.word("NOT");
        let found = if self.word("BETWEEN") {
            let least = self.sum()?;
            if !self.word("AND") {
                return Err(self.expected("`AND` and the upper bound", &self.peek().clone()));
            }
            Expr::Between(Box::new(left), Box::new(least), Box::new(self.sum()?))
        } else if self.word("LIKE") {
            Expr::Like(Box::new(left), Box::new(self.sum()?))
        } else if self.word("IN") {
            self.needs("(")?;
            Expr::In(Box::new(left), self.list()?)
        } else if not {
            return Err(self.expected("`BETWEEN`, `LIKE` or `IN`", &self.peek().clone()));
        } else {
            return Ok(left);
        };
        Ok(negated(not, found))
    }

    /// What stands between commas up to the closing parenthesis.
    fn list(&mut self) -> Result<Vec<Expr>, Cql2Error> {
        let mut items = vec![self.deeper(Self::sum)?];
        while self.sign(",") {
            items.push(self.deeper(Self::sum)?);
        }
        self.needs(")")?;
        Ok(items)
    }

    fn sum(&mut self) -> Parsed {
        self.chain(Self::product, |token| match token {
            Token::Sign("+") => Some(Arithmetic::Add),
            Token::Sign("-") => Some(Arithmetic::Subtract),
            _ => None,
        })
    }

    fn product(&mut self) -> Parsed {
        self.chain(Self::power, |token| match token {
            Token::Sign("*") => Some(Arithmetic::Multiply),
            Token::Sign("/") => Some(Arithmetic::Divide),
            Token::Sign("%") => Some(Arithmetic::Remainder),
            Token::Word(word) if word.eq_ignore_ascii_case("div") => Some(Arithmetic::Quotient),
            _ => None,
        })
    }

    /// Operands with operators of one rank between them. A chain that stands first is gone on with: both are
    /// counted from left to right.
    fn chain(
        &mut self,
        operand: impl Fn(&mut Self) -> Parsed,
        operator: impl Fn(&Token) -> Option<Arithmetic>,
    ) -> Parsed {
        let (first, mut rest) = match operand(self)? {
            Expr::Arithmetic(first, rest) => (first, rest),
            other => (Box::new(other), Vec::new()),
        };
        while let Some(how) = operator(self.peek()) {
            self.next += 1;
            rest.push((how, operand(self)?));
        }
        Ok(if rest.is_empty() { *first } else { Expr::Arithmetic(first, rest) })
    }

    fn power(&mut self) -> Parsed {
        if self.sign("-") {
            return Ok(match self.deeper(Self::power)? {
                Expr::Number(n) => Expr::Number(-n),
                Expr::Integer(n) => Expr::Integer(-n),
                other => Expr::Arithmetic(Box::new(Expr::Number(0.0)), vec![(Arithmetic::Subtract, other)]),
            });
        }
        if self.sign("+") {
            return self.deeper(Self::power);
        }
        let base = self.primary()?;
        if self.sign("^") {
            let exponent = self.deeper(Self::power)?;
            return Ok(Expr::Arithmetic(Box::new(base), vec![(Arithmetic::Power, exponent)]));
        }
        Ok(base)
    }

    fn primary(&mut self) -> Parsed {
        let token = self.peek().clone();
        match token {
            Token::Number(number) => {
                self.next += 1;
                Ok(Expr::Number(number))
            }
            Token::Integer(number) => {
                self.next += 1;
                Ok(Expr::Integer(number))
            }
            Token::Text(text) => {
                self.next += 1;
                Ok(Expr::Text(text))
            }
            Token::Quoted(name) => {
                self.next += 1;
                Ok(Expr::Property(name))
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(Self::any_of)?;
                self.needs(")")?;
                Ok(inner)
            }
            Token::Word(word) => self.named(&word),
            other => Err(self.expected("a property, a value or `(`", &other)),
        }
    }

    /// A keyword, function, geometry or property.
    fn named(&mut self, word: &str) -> Parsed {
        let upper = word.to_ascii_uppercase();
        let follows = |n: usize| self.tokens.get(self.next + n).map(|(_, token)| token);
        let called = follows(1) == Some(&Token::Sign("("));
        let marked = |t: Option<&Token>| matches!(t, Some(Token::Word(w)) if ["Z", "M", "ZM"].iter().any(|m| w.eq_ignore_ascii_case(m)));
        let marked = marked(follows(1)) && follows(2) == Some(&Token::Sign("("));
        if GEOMETRIES.contains(&upper.as_str()) && (called || marked) {
            return self.geometry();
        }
        match upper.as_str() {
            "TRUE" | "FALSE" => {
                self.next += 1;
                Ok(Expr::Bool(upper == "TRUE"))
            }
            _ if KEYWORDS.contains(&upper.as_str()) => {
                Err(self.expected("a property or a value", &Token::Word(word.to_owned())))
            }
            _ if called => {
                let at = self.next;
                self.next += 2;
                let arguments = self.list()?;
                function(&upper, word, arguments).map_err(|message| {
                    self.next = at;
                    self.fault(message)
                })
            }
            _ => {
                self.next += 1;
                Ok(Expr::Property(word.to_owned()))
            }
        }
    }

    /// Well-known text up to its closing parenthesis.
    fn geometry(&mut self) -> Parsed {
        let first = self.next;
        let (mut open, mut deepest) = (0, 0);
        loop {
            match self.peek() {
                Token::Sign("(") => {
                    open += 1;
                    deepest = deepest.max(open);
                }
                Token::Sign(")") => open -= 1,
                Token::End => return Err(self.expected("`)`", &Token::End)),
                _ => {}
            }
            self.next += 1;
            if open == 0 && deepest > 0 {
                break;
            }
        }
        let (from, to) = (self.tokens[first].0, self.tokens[self.next - 1].0 + 1);
        let text: String = self.text.chars().skip(from).take(to - from).collect();
        let fault = |message: String| Cql2Error { at: from + 1, message };
        if deepest > DEEPEST_GEOMETRY {
            return Err(fault(format!("the geometry is nested more than {DEEPEST_GEOMETRY} deep")));
        }
        let read = Wkt(text).to_geo().map_err(|e| fault(format!("the geometry cannot be read: {e}")))?;
        let finite =
            read.coords_count() > 0 && read.coords_iter().all(|c| c.x.is_finite() && c.y.is_finite());
        let whole = finite && closed(&read);
        if whole {
            Ok(Expr::Geometry(read))
        } else {
            Err(fault("the geometry is empty or not closed".to_owned()))
        }
    }
}

/// Whether rings end where they begin and lines have two ends, as readers of text do not check.
fn closed(geometry: &Geometry<f64>) -> bool {
    let ring = |ring: &geo::LineString<f64>| ring.0.len() >= 4 && ring.is_closed();
    let polygon = |p: &geo::Polygon<f64>| ring(p.exterior()) && p.interiors().iter().all(ring);
    match geometry {
        Geometry::Polygon(p) => polygon(p),
        Geometry::MultiPolygon(parts) => parts.iter().all(polygon),
        Geometry::LineString(line) => line.0.len() >= 2,
        Geometry::MultiLineString(lines) => lines.iter().all(|l| l.0.len() >= 2),
        Geometry::GeometryCollection(parts) => parts.iter().all(closed),
        _ => true,
    }
}

fn negated(not: bool, expr: Expr) -> Expr {
    if not { Expr::Not(Box::new(expr)) } else { expr }
}

fn function(upper: &str, word: &str, arguments: Vec<Expr>) -> Result<Expr, String> {
    let count = arguments.len();
    let takes = |n: usize| {
        if count == n { Ok(()) } else { Err(format!("`{word}` takes {n} arguments, not {count}")) }
    };
    if let Some((_, relation)) = RELATIONS.iter().find(|(name, _)| *name == upper) {
        takes(2)?;
        let mut both = arguments.into_iter().map(Box::new);
        let (Some(a), Some(b)) = (both.next(), both.next()) else { return Err("two geometries".to_owned()) };
        return Ok(Expr::Spatial(*relation, a, b));
    }
    match upper {
        "CASEI" => {
            takes(1)?;
            Ok(Expr::Casei(Box::new(arguments.into_iter().next().unwrap_or(Expr::Bool(false)))))
        }
        "DATE" | "TIMESTAMP" => {
            takes(1)?;
            let Some(Expr::Text(text)) = arguments.first() else {
                return Err(format!("`{word}` takes a text"));
            };
            let found = moments(text).filter(|_| (upper == "DATE") == (text.len() == 10));
            let like = if upper == "DATE" { "2019-07-01" } else { "2019-07-01T10:00:00Z" };
            found
                .map(|(first, _)| Expr::Time(first))
                .ok_or_else(|| format!("`{word}` takes a text such as '{like}', not '{text}'"))
        }
        "BBOX" => {
            let numbers: Option<Vec<f64>> =
                arguments.iter().map(|a| if let Expr::Number(n) = a { Some(*n) } else { None }).collect();
            match numbers.as_deref() {
                Some(&[west, south, east, north] | &[west, south, _, east, north, _]) if south <= north => {
                    Ok(Expr::Bbox([west, south, east, north]))
                }
                _ => Err("`BBOX` takes 4 or 6 numbers: a lower and an upper corner".to_owned()),
            }
        }
        _ => {
            let known: Vec<String> = RELATIONS.iter().map(|(name, _)| name.to_lowercase()).collect();
            Err(format!(
                "there is no function `{word}` (known: {}, casei, bbox, date, timestamp)",
                known.join(", ")
            ))
        }
    }
}
