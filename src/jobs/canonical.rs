//! Tells whether two requests ask for the same results.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// Members of an execute request that change how results are told, not what they are.
const ABOUT_THE_ANSWER: [&str; 3] = ["subscriber", "response", "mode"];

/// SHA-256 (hex) of the request without the members that change no result, its members in order of
/// their names and its numbers by value (`1.0` is `1`); and of `basis`, how the data looks that the
/// request names.
pub(super) fn hash(request: &Value, basis: &str) -> String {
    let mut digest = Sha256::new();
    match request {
        Value::Object(members) => {
            // An empty member and an absent one are the same.
            let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
            let kept = |(name, value): &(&String, &Value)| {
                !ABOUT_THE_ANSWER.contains(&name.as_str()) && !empty(value)
            };
            write_object(members.iter().filter(kept), &mut digest);
        }
        other => write(other, &mut digest),
    }
    digest.update(basis);
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the value as JSON piece by piece: a request may be tens of megabytes.
fn write(value: &Value, digest: &mut Sha256) {
    match value {
        Value::Object(members) => write_object(members.iter(), digest),
        Value::Array(values) => {
            digest.update("[");
            for (k, value) in values.iter().enumerate() {
                digest.update(if k == 0 { "" } else { "," });
                write(value, digest);
            }
            digest.update("]");
        }
        Value::Number(number) => digest.update(whole(number).to_string()),
        other => digest.update(other.to_string()),
    }
}

fn write_object<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, digest: &mut Sha256) {
    let mut sorted: Vec<(&String, &Value)> = members.collect();
    sorted.sort_by_key(|(name, _)| *name);
    digest.update("{");
    for (k, (name, value)) in sorted.into_iter().enumerate() {
        digest.update(if k == 0 { "" } else { "," });
        digest.update(Value::from(name.as_str()).to_string());
        digest.update(":");
        write(value, digest);
    }
    digest.update("}");
}

/// A float without a fraction as the integer it is.
fn whole(number: &Number) -> Number {
    match number.as_f64() {
        Some(x) if number.is_f64() && x.fract() == 0.0 && x.abs() < 9e15 => Number::from(x as i64),
        _ => number.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_and_the_way_of_answering_change_nothing() {
        let one = json!({"inputs": {"a": 1, "b": {"x": [1.0, 2.5], "y": -0.0}}, "outputs": {}});
        let other = json!({
            "response": "document", "subscriber": {"successUri": "https://example.org/done"},
            "inputs": {"b": {"y": 0, "x": [1, 2.5]}, "a": 1.0}
        });
        assert_eq!(hash(&one, ""), hash(&other, ""));
        assert_eq!(hash(&one, "").len(), 64);
        assert_ne!(hash(&one, "mines=1;"), hash(&one, "mines=2;"), "data that has changed is other data");
    }

    #[test]
    fn values_their_order_and_wanted_outputs_matter() {
        let base = json!({"inputs": {"a": [1, 2]}});
        for other in [
            json!({"inputs": {"a": [2, 1]}}),
            json!({"inputs": {"a": [1, 2.5]}}),
            json!({"inputs": {"a": ["1", 2]}}),
            json!({"inputs": {"a": [1, 2], "b": null}}),
            json!({"inputs": {"a": [1, 2]}, "outputs": {"classMap": {}}}),
        ] {
            assert_ne!(hash(&base, ""), hash(&other, ""), "{other}");
        }
    }
}
