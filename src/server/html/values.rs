//! Values to look at: inputs of a request, and outputs that are small enough for a page.

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use crate::ogc::title_of;

/// Rows of a table before the rest is left to the file.
const ROWS: usize = 50;
/// Letters of an input before the rest is left out.
const LETTERS: usize = 2000;
/// Tables in tables.
const DEPTH: usize = 4;

/// A value of a request.
pub fn input_value(value: &Value) -> Markup {
    match value {
        Value::Object(_) | Value::Array(_) => {
            let text = value.to_string();
            let short = shortened(&text);
            html! {
                @if text.len() < 120 { code { (text) } }
                @else { details { summary { (kind(value)) } pre { (short) } } }
            }
        }
        Value::String(text) => html! { (shortened(text)) },
        other => html! { (other.to_string()) },
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{} … ({} letters in all)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

fn kind(value: &Value) -> String {
    let features = value.get("features").and_then(Value::as_array).map(Vec::len);
    match (value, features, value.get("type").and_then(Value::as_str)) {
        (_, Some(count), _) => format!("{count} features"),
        (Value::Array(items), ..) => format!("a list of {}", items.len()),
        (_, _, Some(kind)) => kind.to_owned(),
        _ => "an object".to_owned(),
    }
}

/// An output that is JSON: tables where it is made of rows, else lists of members.
pub fn document(value: &Value) -> Markup {
    nested(value, DEPTH)
}

fn nested(value: &Value, depth: usize) -> Markup {
    match value {
        Value::Null => html! { span.faint { "none" } },
        Value::Bool(yes) => html! { (if *yes { "yes" } else { "no" }) },
        Value::Number(number) => html! { (number_text(number)) },
        Value::String(text) => html! { (shortened(text)) },
        Value::Array(items) if items.is_empty() => html! { span.faint { "none" } },
        Value::Array(items) if items.iter().all(Value::is_number) => {
            let shown = items.iter().take(ROWS).filter_map(Value::as_number).map(number_text);
            html! { (shown.collect::<Vec<_>>().join(", ")) (rest(items.len())) }
        }
        _ if depth == 0 => html! { code { (shortened(&value.to_string())) } },
        Value::Array(items) => array(items, depth),
        Value::Object(members) => members_table(members, depth),
    }
}

/// Four digits behind the point tell all that a reader needs.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if !number.is_i64() && !number.is_u64() => {
            let text = format!("{value:.4}");
            let short = text.trim_end_matches('0').trim_end_matches('.');
            if short == "0" && value != 0.0 { format!("{value:.2e}") } else { short.to_owned() }
        }
        _ => number.to_string(),
    }
}

fn members_table(members: &Map<String, Value>, depth: usize) -> Markup {
    let all: Vec<(&String, &Value)> = members.iter().collect();
    // Neighbours with the same members are rows of one table.
    let alike = all.chunk_by(|(_, a), (_, b)| heads(a).is_some() && heads(a) == heads(b));
    html! {
        table { tbody { @for run in alike {
            @match (run, heads(run[0].1)) {
                ([_, _, ..], Some(heads)) => { tr { td colspan="2" { (rows_table(run, &heads, depth - 1)) } } }
                _ => { @for (name, value) in run { tr {
                    th scope="row" { (title_of(name)) }
                    td { (nested(value, depth - 1)) }
                } } }
            }
        } } }
    }
}

/// The names of an object's members.
fn heads(value: &Value) -> Option<Vec<&String>> {
    value.as_object().map(|members| members.keys().collect())
}

fn rows_table(rows: &[(&String, &Value)], heads: &[&String], depth: usize) -> Markup {
    html! {
        table {
            thead { tr { td {} @for head in heads { th scope="col" { (title_of(head)) } } } }
            tbody { @for (name, row) in rows { tr {
                th scope="row" { (title_of(name)) }
                @for head in heads { td.n[row[head.as_str()].is_number()] { (nested(&row[head.as_str()], depth)) } }
            } } }
        }
    }
}

fn array(items: &[Value], depth: usize) -> Markup {
    let rows: Option<Vec<&Map<String, Value>>> = items.iter().take(ROWS).map(Value::as_object).collect();
    if let Some(rows) = rows {
        let mut heads: Vec<&String> = Vec::new();
        for name in rows.iter().flat_map(|row| row.keys()) {
            if !heads.contains(&name) {
                heads.push(name);
            }
        }
        return html! {
            table {
                thead { tr { @for head in &heads { th scope="col" { (title_of(head)) } } } }
                tbody { @for row in &rows { tr { @for head in &heads {
                    @let value = row.get(*head).unwrap_or(&Value::Null);
                    td.n[value.is_number()] { (nested(value, depth - 1)) }
                } } } }
            }
            (rest(items.len()))
        };
    }
    if items.iter().all(Value::is_array) {
        return html! {
            table { tbody { @for row in items.iter().take(ROWS) { tr {
                @for value in row.as_array().into_iter().flatten().take(ROWS) {
                    td.n { (nested(value, depth - 1)) }
                }
            } } } }
            (rest(items.len()))
        };
    }
    html! {
        @for (index, item) in items.iter().take(ROWS).enumerate() {
            @if index > 0 { ", " }
            (nested(item, depth - 1))
        }
        (rest(items.len()))
    }
}

fn rest(all: usize) -> Markup {
    match all.checked_sub(ROWS) {
        Some(more) if more > 0 => html! { p.faint { "and " (more) " more in the file" } },
        _ => PreEscaped(String::new()),
    }
}

/// The first rows of a CSV file; none where it is no CSV.
pub fn csv_table(bytes: &[u8]) -> Option<Markup> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let heads = reader.headers().ok()?.clone();
    let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().ok()?;
    Some(html! {
        table {
            thead { tr { @for head in &heads { th scope="col" { (head) } } } }
            tbody { @for record in records.iter().take(ROWS) { tr { @for cell in record {
                td.n[cell.parse::<f64>().is_ok()] { (cell) }
            } } } }
        }
        (rest(records.len()))
    })
}

/// The attributes of the first features of a collection.
pub fn feature_table(collection: &Value) -> Option<Markup> {
    let features = collection.get("features")?.as_array()?;
    let rows: Vec<Value> = features.iter().filter_map(|f| f.get("properties").cloned()).collect();
    Some(html! {
        p.faint { (features.len()) " features" }
        @if rows.iter().any(|row| row.as_object().is_some_and(|r| !r.is_empty())) { (array(&rows, 2)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_tables_and_hostile_texts_stay_texts() {
        let text =
            document(&json!([{"name": "<script>", "areaHa": 1.25}, {"name": "b", "x": null}])).into_string();
        assert!(text.contains("<th scope=\"col\">Area ha</th>") && text.contains("1.25"), "{text}");
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
        let text = csv_table(b"a,b\n<b>,2\n").unwrap().into_string();
        assert!(text.contains("&lt;b&gt;"), "{text}");
        assert!(csv_table(&[0xff, b',', 0xfe, b'\n', 0xff]).is_none());
        let many: Vec<Value> = (0..60).map(|n| json!({"n": n})).collect();
        assert!(document(&json!(many)).into_string().contains("and 10 more"));
        let deep = (0..50).fold(json!(1), |inner, _| json!([inner]));
        assert!(document(&deep).into_string().contains("<code>"));
        assert_eq!(number_text(json!(0.000_000_2).as_number().unwrap()), "2.00e-7");
        assert!(
            input_value(&json!({"type": "FeatureCollection", "features": [1, 2], "x": "y".repeat(200)}))
                .into_string()
                .contains("2 features")
        );
    }
}
