//! Every key of the configuration, read from its types: its words, its default, and the variable of
//! the environment that stands over it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::ServerConfig;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Switch,
    /// Texts, in the environment with commas between.
    List,
    /// Values by names that the operator gives.
    Names,
}

/// A key of the configuration.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where it stands: section and name.
    pub path: Vec<String>,
    /// What it holds.
    pub kind: Kind,
    /// What it is where it is not given, if anything.
    pub default: Option<Value>,
    /// What it is for.
    pub text: String,
}

impl Setting {
    /// The key as it is written with its section: `jobs.workers`.
    pub fn name(&self) -> String {
        self.path.join(".")
    }

    /// The variable that stands over it: `REDEDGE_JOBS_WORKERS`.
    pub fn variable(&self) -> Option<String> {
        (self.kind != Kind::Names).then(|| format!("REDEDGE_{}", self.path.join("_").to_uppercase()))
    }

    /// The value that a variable's text means.
    ///
    /// # Errors
    /// What was expected.
    pub fn read(&self, text: &str) -> Result<toml::Value, String> {
        let text = text.trim();
        match self.kind {
            Kind::Text => Ok(text.into()),
            Kind::Number => {
                text.parse::<i64>().map(Into::into).map_err(|_| format!("`{text}` is no whole number"))
            }
            Kind::Switch => {
                text.parse::<bool>().map(Into::into).map_err(|_| format!("`{text}` is not true or false"))
            }
            Kind::List => {
                Ok(text.split(',').map(str::trim).filter(|t| !t.is_empty()).collect::<Vec<_>>().into())
            }
            Kind::Names => Err("is given in the file alone".to_owned()),
        }
    }
}

/// Every key, in the order of the types.
pub fn settings() -> Vec<Setting> {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<ServerConfig>();
    let mut found = Vec::new();
    walk(schema.as_value(), &mut Vec::new(), &mut found);
    found
}

fn walk(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Setting>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        path.push(name.clone());
        if member.get("properties").is_some() {
            walk(member, path, found);
        } else {
            let default = member.get("default").filter(|d| !d.is_null()).cloned();
            let text = member["description"].as_str().unwrap_or_default().replace('\n', " ");
            found.push(Setting { path: path.clone(), kind: kind(member), default, text });
        }
        path.pop();
    }
}

fn kind(member: &Value) -> Kind {
    let of = |name: &str| match &member["type"] {
        Value::Array(types) => types.iter().any(|t| t == name),
        one => one == name,
    };
    match () {
        () if of("object") => Kind::Names,
        () if of("array") => Kind::List,
        () if of("integer") => Kind::Number,
        () if of("boolean") => Kind::Switch,
        () => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Where the table stands.
    const MARKS: [&str; 2] = ["<!-- keys: begin -->\n", "<!-- keys: end -->"];

    /// The table of docs/server.md.
    fn table() -> String {
        let mut table = "| key | default | environment | |\n|---|---|---|---|\n".to_owned();
        for setting in settings() {
            let default = match &setting.default {
                Some(Value::Object(_)) | None => String::new(),
                Some(value) => format!("`{value}`"),
            };
            let variable = setting.variable().map_or_else(String::new, |name| format!("`{name}`"));
            table += &format!("| `{}` | {default} | {variable} | {} |\n", setting.name(), setting.text);
        }
        table
    }

    fn read(name: &str) -> (PathBuf, String) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    }

    #[test]
    fn every_key_is_documented_and_the_page_says_what_the_types_say() {
        for setting in settings() {
            assert!(setting.text.len() > 10, "{} has no words", setting.name());
            let variable = setting.variable();
            assert!(
                variable.is_some()
                    || setting.default == Some(serde_json::json!({}))
                    || setting.name() == "keys"
            );
        }
        let (path, page) = read("docs/server.md");
        let (before, rest) = page.split_once(MARKS[0]).unwrap();
        let (found, after) = rest.split_once(MARKS[1]).unwrap();
        if std::env::var_os("REDEDGE_WRITE_DOCS").is_some() {
            std::fs::write(path, [before, MARKS[0], &table(), MARKS[1], after].concat()).unwrap();
            return;
        }
        assert_eq!(found, table(), "run this test with REDEDGE_WRITE_DOCS=1");
    }

    #[test]
    fn the_example_names_every_key_by_its_default_and_is_read() {
        let (path, text) = read("examples/rededge.toml");
        let default = ServerConfig::default();
        let example = ServerConfig::read(&path).unwrap();
        assert_eq!(example, default, "what stands there without a mark is the default");
        // Marked keys are examples: they are read too once the mark is taken away.
        let all: String =
            text.lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).map(|l| format!("{l}\n")).collect();
        let all: toml::Table = all.parse().unwrap();
        let given: ServerConfig = all.clone().try_into().unwrap();
        assert!(given.oidc.issuer.is_some() && given.data.folders.len() == 1);
        for setting in settings() {
            let (first, rest) = setting.path.split_first().unwrap();
            let found = rest.iter().try_fold(&all[first], |value, name| value.get(name));
            assert!(found.is_some(), "{} is missing", setting.name());
        }
    }
}
