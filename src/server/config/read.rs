//! From a file and the environment to a configuration that can work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{ConfigError, ServerConfig, key, settings};
use crate::ogc::hint;
use crate::style;
use crate::text::unmarked;

/// The variable of keys.
const KEYS: &str = "REDEDGE_KEYS";

/// The text of a file.
pub fn text(path: &Path) -> Result<String, ConfigError> {
    let refuse =
        |e: std::io::Error| ConfigError::Read { path: path.display().to_string(), reason: e.to_string() };
    let bytes = std::fs::read(path).map_err(refuse)?;
    String::from_utf8(unmarked(&bytes).into_owned())
        .map_err(|_| refuse(std::io::Error::other("it is not UTF-8 text")))
}

/// What a file says. Errors tell the line, not what stands in it: it may be a key.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|e| {
        let line = e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        ConfigError::wrong(path.display().to_string(), format!("{place}{}", e.message().trim()))
    })
}

/// The key `path` of a table, its sections made where they are missing.
fn put(table: &mut toml::Table, path: &[String], value: toml::Value) {
    match path {
        [] => {}
        [name] => drop(table.insert(name.clone(), value)),
        [section, rest @ ..] => {
            let inner = table.entry(section.clone()).or_insert_with(|| toml::Table::new().into());
            if let Some(inner) = inner.as_table_mut() {
                put(inner, rest, value);
            }
        }
    }
}

impl ServerConfig {
    /// Reads a file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError`] with the file, line and key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = parse(path, &text(path)?)?;
        // Absolute: jobs read by these paths from wherever they run.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = whole.parent().unwrap_or(&whole);
        let from_here = |path: &mut PathBuf| *path = folder.join(&path);
        config.store.iter_mut().chain(&mut config.keys_file).for_each(from_here);
        config.data.paths_mut().for_each(from_here);
        if let Some(jwks) = config.oidc.jwks.as_mut().filter(|jwks| !is_address(jwks)) {
            *jwks = folder.join(&*jwks).to_string_lossy().into_owned();
        }
        Ok(config)
    }

    /// The environment over the file: a variable for every key that holds a text, a number, a switch or
    /// a list (`REDEDGE_JOBS_WORKERS` for `jobs.workers`), and `REDEDGE_KEYS` beside the keys of the file.
    /// Empty ones say nothing.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn with_environment(mut self, value: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let value = |name: &str| value(name).filter(|text| !text.trim().is_empty());
        if let Some(text) = value(KEYS) {
            self.keys.extend(key::of_list(&text).map_err(|e| ConfigError::wrong(KEYS, e))?);
        }
        for setting in settings() {
            let Some(variable) = setting.variable() else { continue };
            let Some(text) = value(&variable) else { continue };
            let wrong = |reason: String| ConfigError::wrong(&variable, reason);
            let mut table = toml::Table::try_from(&self).map_err(|e| wrong(e.to_string()))?;
            put(&mut table, &setting.path, setting.read(&text).map_err(wrong)?);
            let changed: Self = table.try_into().map_err(|e: toml::de::Error| {
                wrong(format!("`{text}` does not do: {}", e.message().trim()))
            })?;
            // Keys are never written, so they do not come back.
            self = Self { keys: self.keys, ..changed };
        }
        Ok(self)
    }

    /// The configuration as a file, with the names of keys and never the keys.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where a path is no text.
    pub fn effective(&self) -> Result<String, ConfigError> {
        let text = toml::to_string_pretty(self).map_err(|e| ConfigError::wrong("configuration", e))?;
        let names: Vec<&str> = self.keys.keys().map(String::as_str).collect();
        let keys = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Ok(format!("# keys (not shown): {keys}\n{text}"))
    }

    /// Whether callers show keys or tokens.
    pub fn asks_for_keys(&self) -> bool {
        !self.keys.is_empty() || self.keys_file.is_some() || self.oidc.issuer.is_some()
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] naming the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |path: &str, reason: &str| Err(ConfigError::wrong(path, reason));
        if !self.listen.ip().is_loopback() && !self.asks_for_keys() {
            return wrong(
                "listen",
                "off loopback the server asks for keys: name some under [keys], or an [oidc] issuer",
            );
        }
        for (key, value) in [("jobs.workers", self.jobs.workers), ("jobs.waiting", self.jobs.waiting)] {
            if !(1..=10_000).contains(&value) {
                return wrong(key, "is not within 1 to 10,000");
            }
        }
        if !(1..=2048).contains(&self.limits.body_megabytes) {
            return wrong("limits.body_megabytes", "is not within 1 to 2,048");
        }
        if !(8..=1_000_000).contains(&self.limits.connections) {
            return wrong("limits.connections", "is not within 8 to 1,000,000");
        }
        if !(1..=1024).contains(&self.limits.inline_megabytes) {
            return wrong("limits.inline_megabytes", "is not within 1 to 1,024");
        }
        if !(1..=3600).contains(&self.limits.client_seconds) {
            return wrong("limits.client_seconds", "is not within 1 to 3,600");
        }
        if !(64..=1_048_576).contains(&self.reader.memory_megabytes) {
            return wrong("reader.memory_megabytes", "is not within 64 to 1,048,576");
        }
        if !(1..=1_048_576).contains(&self.reader.raster_megabytes) {
            return wrong("reader.raster_megabytes", "is not within 1 to 1,048,576");
        }
        if !(1..=86_400).contains(&self.reader.seconds) {
            return wrong("reader.seconds", "is not within 1 to 86,400");
        }
        if self.base_url.as_ref().is_some_and(|b| !is_address(b)) {
            return wrong("base_url", "is not an http(s) address");
        }
        if let Some(name) = self.server_names.iter().find(|name| *name != "*" && !is_host(name)) {
            return wrong(
                "server_names",
                &format!("`{name}` is no host name or address, without scheme and port"),
            );
        }
        if let Err(reason) = self.links.hosts() {
            return wrong("links", &reason);
        }
        self.check_oidc()?;
        if let Some(origin) = self.cors.origins.iter().flatten().find(|o| *o != "*" && !is_origin(o)) {
            return wrong(
                "cors.origins",
                &format!("`{origin}` is neither `*` nor an origin such as https://maps.example.org"),
            );
        }
        for (key, value) in [
            ("maps.live_megabytes", self.maps.live_megabytes as u64),
            ("maps.live_pixels", self.maps.live_pixels),
            ("limits.pixels", self.limits.pixels),
            ("limits.vertices", self.limits.vertices),
            ("limits.geometry_vertices", self.limits.geometry_vertices),
            ("limits.memory_megabytes", self.limits.memory_megabytes),
        ] {
            if value == 0 {
                return wrong(key, "is not above 0");
            }
        }
        if let Some(name) = self.live.keys().find(|name| !is_plain(name)) {
            return wrong(
                &format!("live.{name}"),
                "a name has letters of any script, digits, `-` and `_` alone",
            );
        }
        self.check_data()
    }

    fn check_oidc(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, reason: &str| Err(ConfigError::wrong(key, reason));
        let oidc = &self.oidc;
        match (&oidc.issuer, &oidc.audience) {
            (None, None) if oidc.jwks.is_none() => Ok(()),
            (None, _) => wrong("oidc.issuer", "is required beside the other keys of [oidc]"),
            (Some(_), None) => {
                wrong("oidc.audience", "is required: without it, tokens for any service would do")
            }
            (Some(issuer), Some(_)) => {
                let fetched = oidc.jwks.as_ref().filter(|jwks| is_address(jwks)).unwrap_or(issuer);
                if oidc.jwks.as_ref().is_none_or(|jwks| is_address(jwks)) && !is_safe(fetched) {
                    return wrong("oidc", "keys are fetched by https alone (or from this machine)");
                }
                Ok(())
            }
        }
    }

    fn check_data(&self) -> Result<(), ConfigError> {
        let mut names = BTreeSet::new();
        for (kind, name, path) in self.data.entries() {
            let at = format!("data.{kind}.{name}");
            let odd = |c: char| ['/', '\\', '?', '#'].contains(&c) || c.is_control();
            if name.is_empty() || name.contains(odd) {
                return Err(ConfigError::wrong(
                    at,
                    "a name has no `/`, `\\`, `?` or `#`, and no control characters",
                ));
            }
            // Cubes are asked for as such; everything else by its name alone.
            if !names.insert((kind == "cubes", name)) {
                return Err(ConfigError::wrong(at, "the name is taken by another table of [data]"));
            }
            // What is not there may come back; something else than a folder will not.
            if kind == "folders" && path.exists() && !path.is_dir() {
                return Err(ConfigError::wrong(at, format!("{} is no folder", path.display())));
            }
        }
        self.check_styles()
    }

    fn check_styles(&self) -> Result<(), ConfigError> {
        let data = &self.data;
        for (name, style) in &data.styles {
            let wrong = |reason: String| Err(ConfigError::wrong(format!("data.styles.{name}"), reason));
            let files: Vec<&str> = data.files.keys().chain(data.mines.keys()).map(String::as_str).collect();
            if !files.contains(&name.as_str()) {
                let near = hint(name, files.into_iter());
                return wrong(format!("no file has this name in [data.files] or [data.mines]{near}"));
            }
            if !style::IDS.contains(&style.as_str()) {
                return wrong(format!("`{style}` is no style{}", hint(style, style::IDS.into_iter())));
            }
        }
        Ok(())
    }

    /// The folder of jobs and results.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where the platform has none.
    pub fn store_folder(&self) -> Result<PathBuf, ConfigError> {
        let platform = || directories::ProjectDirs::from("", "", "rededge").map(|d| d.data_dir().to_owned());
        let none = || ConfigError::wrong("store", "this system has no folder for data: name one");
        self.store.clone().or_else(platform).ok_or_else(none)
    }
}

/// Whether a name needs no other letters in an address.
fn is_plain(name: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || (!c.is_ascii() && !c.is_control());
    !name.is_empty() && name.chars().all(plain)
}

/// Whether it is an address rather than a file.
pub fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Whether it is the name or address of a host, and nothing around it.
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    let name = !text.is_empty() && text.chars().all(plain);
    name || text.trim_start_matches('[').trim_end_matches(']').parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether nobody between can change what comes from there.
fn is_safe(address: &str) -> bool {
    let host = address.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    address.starts_with("https://") || matches!(host, Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// Scheme and authority, nothing behind.
fn is_origin(text: &str) -> bool {
    is_address(text) && text.split("://").nth(1).is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(text: &str) -> Result<ServerConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rededge.toml");
        std::fs::write(&file, text).unwrap();
        ServerConfig::read(&file)
    }

    #[test]
    fn a_file_changes_what_it_names_and_unknown_keys_are_errors() {
        let config =
            read("listen = \"127.0.0.1:9000\"\n[jobs]\nworkers = 3\n[data.cubes]\nhunan = \"s2\"\n").unwrap();
        assert_eq!((config.listen.port(), config.jobs.workers, config.jobs.waiting), (9000, 3, 100));
        assert!(config.data.cubes["hunan"].is_absolute() && config.data.cubes["hunan"].ends_with("s2"));
        assert!(config.check().is_ok(), "a file may come later");
        for text in [
            "lisen = \"x\"",
            "[jobs]\nworker = 1",
            "listen = 8080",
            "[log]\nformat = \"xml\"",
            "[keys]\na = \"b\"",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("rededge.toml: line "), "{error}");
        }
    }

    #[test]
    fn off_loopback_keys_are_asked_for_and_the_environment_wins() {
        let env = |name: &str| (name == "REDEDGE_LISTEN").then(|| "0.0.0.0:80".to_owned());
        let config = ServerConfig::default().with_environment(env).unwrap();
        assert!(config.check().unwrap_err().to_string().contains("keys"));
        let keys = |name: &str| (name == "REDEDGE_KEYS").then(|| "a=0123456789abcdef".to_owned());
        assert!(config.clone().with_environment(keys).unwrap().check().is_ok());
        let oidc = |name: &str| match name {
            "REDEDGE_OIDC_ISSUER" => Some("https://login.example.org".to_owned()),
            "REDEDGE_OIDC_AUDIENCE" => Some("rededge".to_owned()),
            _ => None,
        };
        assert!(config.with_environment(oidc).unwrap().check().is_ok());
        assert!(ServerConfig::default().check().is_ok());
    }

    #[test]
    fn the_environment_reaches_every_key_that_is_not_a_table() {
        let text = |setting: &super::super::Setting| match setting.name().as_str() {
            "listen" => "127.0.0.1:1".to_owned(),
            "log.format" => "json".to_owned(),
            _ => match setting.kind {
                settings::Kind::Number => "7".to_owned(),
                settings::Kind::Switch => "true".to_owned(),
                _ => "a, b".to_owned(),
            },
        };
        let all = settings();
        let env = |name: &str| all.iter().find(|s| s.variable().as_deref() == Some(name)).map(text);
        let keys = read("[keys]\nann = \"0123456789abcdef\"").unwrap();
        let config = keys.with_environment(env).unwrap();
        let written = toml::Table::try_from(&config).unwrap();
        for setting in all.iter().filter(|s| s.variable().is_some()) {
            let (last, sections) = setting.path.split_last().unwrap();
            let section = sections.iter().fold(&written, |table, name| table[name].as_table().unwrap());
            assert_ne!(
                setting.default.as_ref().map(ToString::to_string),
                Some(section[last].to_string()),
                "{}",
                setting.name()
            );
        }
        assert_eq!(config.keys.len(), 1, "keys stay");
        assert_eq!(config.cors.origins.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        for name in [
            "REDEDGE_LISTEN",
            "REDEDGE_JOBS_WORKERS",
            "REDEDGE_METRICS_PUBLIC",
            "REDEDGE_LOG_FORMAT",
            "REDEDGE_KEYS",
        ] {
            let env = |asked: &str| (asked == name).then(|| "no".to_owned());
            let error = ServerConfig::default().with_environment(env).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let empty = ServerConfig::default().with_environment(|_| Some(String::new())).unwrap();
        assert_eq!(empty, ServerConfig::default());
    }

    #[test]
    fn the_effective_configuration_is_a_configuration_and_tells_no_key() {
        let config =
            read("base_url = \"http://a\"\n[keys]\nann = \"0123456789abcdef\"\n[data.mines]\nm = \"x.csv\"")
                .unwrap();
        let text = config.effective().unwrap();
        assert!(text.contains("# keys (not shown): ann\n") && !text.contains("0123456789abcdef"), "{text}");
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
        assert_eq!(read(&text).unwrap(), ServerConfig { keys: BTreeMap::new(), ..config });
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "lon,lat\n").unwrap();
        let here = folder.path().display();
        for (text, key) in [
            ("[jobs]\nworkers = 0".to_owned(), "jobs.workers"),
            ("[limits]\nclient_seconds = 0".to_owned(), "limits.client_seconds"),
            ("base_url = \"maps\"".to_owned(), "base_url"),
            ("server_names = [\"http://maps\"]".to_owned(), "server_names"),
            ("server_names = [\"maps:80\"]".to_owned(), "server_names"),
            ("[oidc]\naudience = \"a\"".to_owned(), "oidc.issuer"),
            ("[oidc]\nissuer = \"https://a\"".to_owned(), "oidc.audience"),
            ("[oidc]\nissuer = \"http://a.example\"\naudience = \"a\"".to_owned(), "oidc"),
            ("[cors]\norigins = [\"https://a.example/page\"]".to_owned(), "cors.origins"),
            (
                format!("[data.mines]\na = \"{here}/a.csv\"\n[data.files]\na = \"{here}/a.csv\""),
                "data.files.a",
            ),
            (format!("[data.mines]\n\"a/b\" = \"{here}/a.csv\""), "data.mines.a/b"),
            (format!("[data.folders]\na = \"{here}/a.csv\""), "data.folders.a"),
        ] {
            let error = read(&text).unwrap().check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
    }
}
