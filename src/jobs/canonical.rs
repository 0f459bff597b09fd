//! Tells whether two requests ask for the same results.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// Members of an execute request that change how results are told, not what they are.
const ABOUT_THE_ANSWER: [&str; 3] = ["subscriber", "response", "mode"];

/// SHA-256 (hex) of the request without the members that change no result, its members in order of
/// their names and its numbers by value (`1.0` is `1`); and of `basis`, how the data looks that the
/// request names.
pub(super) fn hash(request: &Value, basis: &str) -> String {
    let mut plain = canonical(request);
    if let Value::Object(members) = &mut plain {
        for name in ABOUT_THE_ANSWER {
            members.shift_remove(name);
        }
        // No wish and no outputs named are the same.
        members.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|o| !o.is_empty()));
    }
    Sha256::digest(plain.to_string() + basis).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            Value::Object(sorted.into_iter().map(|(k, v)| (k.clone(), canonical(v))).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(canonical).collect()),
        Value::Number(number) => Value::Number(whole(number)),
        other => other.clone(),
    }
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
