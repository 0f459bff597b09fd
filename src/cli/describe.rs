//! `rededge describe [PROCESS] [--json]`.

use std::io::Write as _;
use std::process::ExitCode;

use rededge::ogc::ProcessDescription;
use rededge::process;
use serde_json::{Map, Value, json};

use super::run::find;

/// Columns of a terminal that texts are wrapped to.
const WIDTH: usize = 96;

/// List the processes, or describe one with its inputs and outputs
#[derive(clap::Args)]
pub struct Args {
    /// Id of a process; all are listed where none is given
    process: Option<String>,
    /// The description as JSON, as OGC API - Processes has it
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn execute(self) -> ExitCode {
        let text = match (self.process.as_deref().map(find), self.json) {
            (Some(Err(failure)), _) => {
                eprintln!("error: {failure}");
                return ExitCode::from(failure.exit_code());
            }
            (Some(Ok(process)), true) => pretty(&json!(process.describe())),
            (Some(Ok(process)), false) => describe(&process.describe()),
            (None, true) => {
                let all: Vec<_> = process::registry().iter().map(|p| json!(p.describe().summary)).collect();
                pretty(&json!({"processes": all}))
            }
            (None, false) => list(),
        };
        // A reader that closes the pipe early (`| head`) has seen enough.
        let _ = std::io::stdout().write_all(text.as_bytes());
        ExitCode::SUCCESS
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn list() -> String {
    let all: Vec<_> = process::registry().iter().map(|p| p.describe().summary).collect();
    let width = all.iter().map(|p| p.id.len()).max().unwrap_or(0);
    let lines: String = all.iter().map(|p| format!("{:width$}  {}\n", p.id, p.title)).collect();
    format!("{lines}\n`rededge describe PROCESS` tells its inputs and outputs.\n")
}

fn describe(process: &ProcessDescription) -> String {
    let s = &process.summary;
    let mut text = format!("{} {}: {}\n\n{}", s.id, s.version, s.title, wrap(&s.description, 0));
    for (title, members) in [("Inputs", &process.inputs), ("Outputs", &process.outputs)] {
        text.push_str(&format!("\n{title}\n"));
        text.extend(members.iter().map(|(name, member)| describe_member(name, member)));
    }
    text
}

fn describe_member(name: &str, member: &Value) -> String {
    let schema = &member["schema"];
    let mut about = vec![shape(schema)];
    if let Some(unit) = member["metadata"][0]["title"].as_str() {
        about[0].push_str(&format!(" [{unit}]"));
    }
    if let Some(range) = range(schema) {
        about.push(range);
    }
    match (member.get("minOccurs").and_then(Value::as_u64), schema.get("default")) {
        (_, Some(default)) => about.push(format!("default {default}")),
        (Some(1), _) => about.push("required".to_owned()),
        _ => {}
    }
    let description = member["description"].as_str().unwrap_or_default();
    format!("  {name}: {}\n{}", about.join(", "), wrap(description, 6))
}

/// A schema in a few words.
fn shape(schema: &Value) -> String {
    let of = |key: &str| schema.get(key).and_then(Value::as_str);
    if let Some(Value::Array(words)) = schema.get("enum") {
        return words
            .iter()
            .map(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    if let Some(media_type) = of("contentMediaType") {
        return media_type.to_owned();
    }
    if let Some(Value::Array(shapes)) = schema.get("oneOf") {
        let mut all: Vec<String> = shapes.iter().map(shape).collect();
        all.dedup();
        return all.join(" or ");
    }
    match (of("type"), of("format")) {
        (_, Some("ogc-bbox")) => "{bbox, crs}".to_owned(),
        (Some("string"), Some("date")) => "date".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("integer"), _) => "whole number".to_owned(),
        (Some("array"), _) => {
            let items = shape(&schema["items"]);
            if items.contains(' ') { format!("[({items}), ..]") } else { format!("[{items}, ..]") }
        }
        (Some("object"), _) => {
            let none = Map::new();
            let members = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
            let names = members.iter().map(|(name, schema)| match schema.get("enum") {
                Some(Value::Array(only)) if only.len() == 1 => format!("{name}: {}", only[0]),
                _ => name.clone(),
            });
            if members.is_empty() {
                "object".to_owned()
            } else {
                format!("{{{}}}", names.collect::<Vec<_>>().join(", "))
            }
        }
        (Some(other), _) => other.to_owned(),
        (None, _) => "any".to_owned(),
    }
}

fn range(schema: &Value) -> Option<String> {
    let sign = |exclusive: &str, open: &'static str, closed| {
        if schema.get(exclusive) == Some(&Value::Bool(true)) { open } else { closed }
    };
    let (above, below) = (sign("exclusiveMinimum", "above", "from"), sign("exclusiveMaximum", "below", "to"));
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(min), Some(max)) => Some(format!("{above} {min} {below} {max}")),
        (Some(min), None) => Some(format!("{above} {min}")),
        (None, Some(max)) => Some(format!("{below} {max}")),
        (None, None) => None,
    }
}

/// Wraps words, each line indented; paragraphs stay apart.
fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
        let mut column = WIDTH;
        for word in paragraph.split_whitespace() {
            let width = word.chars().count() + 1;
            if column + width > WIDTH {
                if column < WIDTH || !wrapped.is_empty() && !wrapped.ends_with('\n') {
                    wrapped.push('\n');
                }
                wrapped.push_str(&" ".repeat(indent));
                column = indent;
            } else {
                wrapped.push(' ');
            }
            wrapped.push_str(word);
            column += width;
        }
        wrapped.push('\n');
    }
    wrapped
}
