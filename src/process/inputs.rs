//! From a request's JSON to the inputs of a process, with all that is wrong with them told at once and before
//! anything is opened: their shapes by their types, their ranges by their schema, and what the members say to
//! each other by the process ([`super::Process::check`]).

use std::cmp::Ordering;
use std::fmt::Display;

use regex::Regex;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ProcessError;
use crate::ogc::schema_of;

/// Something that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFault {
    /// The input's path, such as `validation.fractions[1]`.
    pub input: String,
    /// What is wrong, and the way out.
    pub message: String,
}

/// What is wrong with the inputs of a request, one fault a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputFaults(Vec<InputFault>);

impl<'a> IntoIterator for &'a InputFaults {
    type Item = &'a InputFault;
    type IntoIter = std::slice::Iter<'a, InputFault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl InputFaults {
    /// Notes what is wrong with an input, unless something is noted of it already.
    pub fn add(&mut self, input: impl Into<String>, message: impl Display) {
        let input = input.into();
        if !self.0.iter().any(|known| known.input == input) {
            self.0.push(InputFault { input, message: message.to_string() });
        }
    }

    /// Notes what is wrong, where something is.
    pub fn note<T>(&mut self, tried: Result<T, ProcessError>) {
        match tried {
            Ok(_) => {}
            Err(ProcessError::Input { input, message }) => self.add(input, message),
            Err(other) => self.add("inputs", other),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong, in the order in which it was found.
    pub fn iter(&self) -> std::slice::Iter<'_, InputFault> {
        self.0.iter()
    }

    /// Whether something is wrong with a member of the request or what is in it.
    fn concerns(&self, name: &str) -> bool {
        self.0.iter().any(|fault| first_part(&fault.input) == name)
    }
}

impl IntoIterator for InputFaults {
    type Item = InputFault;
    type IntoIter = std::vec::IntoIter<InputFault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<InputFaults> for ProcessError {
    /// The first fault by its path, the others behind it.
    fn from(faults: InputFaults) -> Self {
        let mut faults = faults.into_iter();
        let Some(InputFault { input, mut message }) = faults.next() else {
            return Self::input("inputs", "are wrong");
        };
        for other in faults {
            message.push_str(&format!("; input `{}`: {}", other.input, other.message));
        }
        Self::Input { input, message }
    }
}

/// The member of a request that a path begins with.
pub fn first_part(path: &str) -> &str {
    &path[..path.find(['.', '[']).unwrap_or(path.len())]
}

/// The inputs, where nothing is wrong with them. Members that are named `later` come when the process runs:
/// nothing is said of them, nor of what needs them; then there may be no inputs and no fault.
///
/// # Errors
/// All that is wrong.
pub fn parse<T: DeserializeOwned + JsonSchema>(
    inputs: &Value,
    later: &[&str],
    check: impl FnOnce(&T, &mut InputFaults),
) -> Result<Option<T>, InputFaults> {
    let mut faults = InputFaults::default();
    let Value::Object(members) = inputs else {
        faults.add("inputs", "expected an object");
        return Err(faults);
    };
    let schema = schema_of::<T>();
    let schema = schema.as_value();
    let given: Map<String, Value>;
    let members = if later.is_empty() {
        members
    } else {
        given = members.iter().filter(|(name, _)| !later.contains(&name.as_str())).map(cloned).collect();
        &given
    };
    let parsed = of_shape(members, later, &mut faults);
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required.filter(|name| !members.contains_key(*name) && !later.contains(name)) {
        faults.add(name, "is required");
    }
    for (name, value) in members {
        if !faults.concerns(name) {
            check_ranges(value, &schema["properties"][name], name, &mut faults);
        }
    }
    if faults.is_empty()
        && let Some(parsed) = &parsed
    {
        check(parsed, &mut faults);
    }
    if faults.is_empty() { Ok(parsed) } else { Err(faults) }
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// The inputs by their types. Each member that does not fit is noted and left out, so that the others are
/// looked at too.
fn of_shape<T: DeserializeOwned>(
    members: &Map<String, Value>,
    later: &[&str],
    faults: &mut InputFaults,
) -> Option<T> {
    let mut left = std::borrow::Cow::Borrowed(members);
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&*left) {
            Ok(parsed) => return Some(parsed),
            Err(error) => ProcessError::malformed(&error.path().to_string(), &error.inner().to_string()),
        };
        let ProcessError::Input { input, message } = error else { return None };
        let name = first_part(&input).to_owned();
        if !left.contains_key(&name) {
            // Left out as it is wrong, missing, or to come.
            if !later.contains(&name.as_str()) && !faults.concerns(&name) {
                faults.add(input, message);
            }
            return None;
        }
        faults.add(input, message);
        left.to_mut().shift_remove(&name);
    }
}

/// Notes values beyond what their schema allows. That they are of its shape is known.
fn check_ranges(value: &Value, schema: &Value, path: &str, faults: &mut InputFaults) {
    if let Some(shapes) = schema["oneOf"].as_array() {
        let mut first = None;
        for shape in shapes.iter().filter(|shape| may_be(value, shape)) {
            let mut found = InputFaults::default();
            check_ranges(value, shape, path, &mut found);
            if found.is_empty() {
                return;
            }
            first.get_or_insert(found);
        }
        first.into_iter().flatten().for_each(|fault| faults.add(fault.input, fault.message));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !value.is_null()
        && !allowed.iter().any(|one| is_same(one, value))
    {
        let all = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        faults.add(path, format!("{value} is none of {all}"));
    }
    match value {
        Value::Number(number) => check_number(number, schema, path, faults),
        Value::String(text) => check_text(text, schema, path, faults),
        Value::Array(items) => {
            check_count(items.len(), schema, ["minItems", "maxItems"], "entries", path, faults);
            for (k, item) in items.iter().enumerate() {
                check_ranges(item, &schema["items"], &format!("{path}[{k}]"), faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let own = &schema["properties"][name];
                let schema = if own.is_null() { &schema["additionalProperties"] } else { own };
                check_ranges(member, schema, &format!("{path}.{name}"), faults);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether a value is meant to be of a shape, by its type and the members that tell shapes apart.
fn may_be(value: &Value, shape: &Value) -> bool {
    if let Some(shapes) = shape["oneOf"].as_array() {
        return shapes.iter().any(|shape| may_be(value, shape));
    }
    let kind = shape["type"].as_str();
    match value {
        Value::Null => true,
        Value::Bool(_) => kind.is_none_or(|kind| kind == "boolean"),
        Value::Number(_) => kind.is_none_or(|kind| kind == "number" || kind == "integer"),
        Value::String(_) => {
            kind.is_none_or(|kind| kind == "string")
                && shape["enum"].as_array().is_none_or(|allowed| allowed.contains(value))
        }
        Value::Array(_) => kind.is_none_or(|kind| kind == "array"),
        Value::Object(members) => {
            let required = shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            kind.is_none_or(|kind| kind == "object")
                && required.into_iter().all(|name| members.contains_key(name))
                && members.iter().all(|(name, member)| {
                    let allowed = shape["properties"][name]["enum"].as_array();
                    allowed.is_none_or(|allowed| allowed.contains(member))
                })
        }
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && a.as_f64() == b.as_f64())
}

fn check_number(number: &serde_json::Number, schema: &Value, path: &str, faults: &mut InputFaults) {
    let Some(found) = number.as_f64() else { return };
    let unit = schema["x-unit"].as_str().map_or_else(String::new, |unit| format!(" {unit}"));
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    let beyond = |limit: &Value, wrong: Ordering, exclusive: &str| {
        let order = limit.as_f64().and_then(|limit| found.partial_cmp(&limit));
        order == Some(wrong) || (order == Some(Ordering::Equal) && schema[exclusive] == true)
    };
    let low = beyond(least, Ordering::Less, "exclusiveMinimum");
    let high = beyond(most, Ordering::Greater, "exclusiveMaximum");
    if !low && !high {
        return;
    }
    let open = |exclusive: &str| schema[exclusive] == true;
    let why = match (least.is_number(), most.is_number()) {
        (true, true) if !open("exclusiveMinimum") && !open("exclusiveMaximum") => {
            format!("is not within {least} to {most}{unit}")
        }
        _ if low && open("exclusiveMinimum") => format!("is not above {least}{unit}"),
        _ if low => format!("is below {least}{unit}"),
        _ if open("exclusiveMaximum") => format!("is not below {most}{unit}"),
        _ => format!("is above {most}{unit}"),
    };
    faults.add(path, format!("{number}{unit} {why}"));
}

fn check_text(text: &str, schema: &Value, path: &str, faults: &mut InputFaults) {
    check_count(text.chars().count(), schema, ["minLength", "maxLength"], "letters", path, faults);
    let pattern = schema["pattern"].as_str();
    if let Some(pattern) = pattern.filter(|pattern| Regex::new(pattern).is_ok_and(|p| !p.is_match(text))) {
        faults.add(path, format!("`{text}` does not match the pattern `{pattern}`"));
    }
}

fn check_count(
    found: usize,
    schema: &Value,
    [least, most]: [&str; 2],
    what: &str,
    path: &str,
    faults: &mut InputFaults,
) {
    let limit = |name: &str| schema[name].as_u64().and_then(|limit| usize::try_from(limit).ok());
    if let Some(least) = limit(least).filter(|least| found < *least) {
        faults.add(path, format!("has {found} {what}, fewer than {least}"));
    }
    if let Some(most) = limit(most).filter(|most| found > *most) {
        faults.add(path, format!("has {found} {what}, more than {most}"));
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong with it is looked at")]
    struct Inputs {
        name: String,
        #[serde(default)]
        #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0, "maximum" = 100))]
        width: f64,
        #[schemars(range(min = 0, max = 1))]
        share: Option<f64>,
        #[schemars(length(min = 1, max = 2), inner(range(min = 0)))]
        edges: Option<Vec<f64>>,
        #[schemars(extend("enum" = [4, 8]))]
        ways: Option<u8>,
        #[schemars(regex(pattern = "^[a-z]+$"))]
        word: Option<String>,
        design: Option<Design>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong with it is looked at")]
    enum Design {
        Folds {
            #[schemars(range(min = 2, max = 10))]
            count: u32,
        },
        Blocks {
            #[schemars(range(min = 50))]
            count: u32,
        },
    }

    fn wrong(inputs: Value) -> Vec<(String, String)> {
        let check = |inputs: &Inputs, faults: &mut InputFaults| {
            if inputs.name == "none" {
                faults.add("name", "is taken");
            }
        };
        let faults = parse::<Inputs>(&inputs, &[], check).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.input, fault.message)).collect()
    }

    #[test]
    fn ranges_are_those_of_the_schema() {
        assert_eq!(wrong(json!({"name": "a", "width": 100, "share": 0, "edges": [0], "ways": 8})), []);
        for (member, value, path, why) in [
            ("width", json!(0), "width", "0 m is not above 0 m"),
            ("width", json!(101), "width", "101 m is above 100 m"),
            ("share", json!(-5), "share", "-5 is not within 0 to 1"),
            ("edges", json!([]), "edges", "has 0 entries, fewer than 1"),
            ("edges", json!([1, 2, 3]), "edges", "has 3 entries, more than 2"),
            ("edges", json!([1, -2.5]), "edges[1]", "-2.5 is below 0"),
            ("ways", json!(5), "ways", "5 is none of 4, 8"),
            ("word", json!("A"), "word", "`A` does not match the pattern `^[a-z]+$`"),
            ("design", json!({"by": "folds", "count": 1}), "design.count", "1 is not within 2 to 10"),
            ("design", json!({"by": "blocks", "count": 10}), "design.count", "10 is below 50"),
        ] {
            let mut inputs = json!({"name": "a"});
            inputs[member] = value;
            let found = wrong(inputs);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0 == path && found[0].1.starts_with(why), "{found:?}");
        }
        assert_eq!(wrong(json!({"name": "a", "design": {"by": "blocks", "count": 60}})), []);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let found = wrong(json!({"width": "far", "share": 2, "wide": 1, "word": "b"}));
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["width", "wide", "name", "share"], "{found:?}");
        assert_eq!(wrong(json!({"name": "none"})), [("name".to_owned(), "is taken".to_owned())]);
        assert_eq!(wrong(json!([])).len(), 1);
    }

    #[test]
    fn of_what_comes_later_nothing_is_said() {
        let none = |_: &Inputs, _: &mut InputFaults| {};
        let link = json!({"name": {"href": "https://a/b"}, "share": 1});
        assert!(parse::<Inputs>(&link, &["name"], none).unwrap().is_none());
        let faults =
            parse::<Inputs>(&json!({"name": {"href": "x"}, "share": 2}), &["name"], none).unwrap_err();
        assert_eq!(faults.iter().map(|f| f.input.as_str()).collect::<Vec<_>>(), ["share"]);
    }
}
