//! What an operator decides: `rededge.toml`, and the environment over it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A key or value that means nothing here.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file, or the variable.
        path: String,
        /// What is wrong, with its place.
        reason: String,
    },
}

/// The whole configuration. Every key has a default; unknown ones are errors.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port to listen on. Off loopback `keys` are required.
    pub listen: SocketAddr,
    /// Folder of jobs and results; the platform's folder for data where not given.
    pub store: Option<PathBuf>,
    /// The address that links begin with, where the server stands behind another
    /// (`https://maps.example.org/rededge`); that of the request where not given.
    pub base_url: Option<String>,
    /// Title of the service.
    pub title: String,
    /// Keys of callers: name and key. Off loopback at least one is required.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// Jobs.
    pub jobs: JobsConfig,
    /// Limits of a request.
    pub limits: LimitsConfig,
    /// Data by name: what requests may read.
    pub data: DataConfig,
    /// Maps of results and data.
    pub maps: MapsConfig,
}

/// How jobs are run and kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Jobs that run at once.
    pub workers: usize,
    /// Threads of each; all cores over `workers` where 0.
    pub threads: usize,
    /// Jobs that may wait; more are refused.
    pub waiting: usize,
    /// Jobs that one caller may have waiting or running.
    pub per_caller: usize,
    /// Days that jobs and their results are kept.
    pub keep_days: u32,
    /// Seconds that a synchronous call waits before it becomes a job.
    pub synchronous_seconds: u64,
    /// Seconds that running jobs are given to finish when the server stops.
    pub grace_seconds: u64,
}

/// What a request may ask for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Megabytes of a request's body.
    pub body_megabytes: usize,
}

/// How maps are drawn.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapsConfig {
    /// Threads that draw; one a core where 0.
    pub threads: usize,
    /// Tiles that may wait to be drawn; more are refused.
    pub waiting: usize,
    /// Megabytes of drawn tiles that are kept; none where 0.
    pub tile_megabytes: u64,
    /// Megabytes of decoded pieces of rasters that are kept.
    pub block_megabytes: u64,
}

/// Data that the operator offers by name. Requests name them; paths and links of requests are not
/// followed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Cubes: STAC ItemCollections, SAFE or GF-6 folders, folders of GeoTIFFs.
    pub cubes: BTreeMap<String, PathBuf>,
    /// Files of any kind: samples, mines, models, rasters.
    pub files: BTreeMap<String, PathBuf>,
    /// Whom users of the data and of what is made from them are to name.
    pub attribution: Option<String>,
    /// The licence of the data: an address, or its SPDX id.
    pub license: Option<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            store: None,
            base_url: None,
            title: "rededge".to_owned(),
            keys: BTreeMap::new(),
            jobs: JobsConfig::default(),
            limits: LimitsConfig::default(),
            data: DataConfig::default(),
            maps: MapsConfig::default(),
        }
    }
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            threads: 0,
            waiting: 100,
            per_caller: 20,
            keep_days: 30,
            synchronous_seconds: 60,
            grace_seconds: 10,
        }
    }
}

impl Default for MapsConfig {
    fn default() -> Self {
        Self { threads: 0, waiting: 512, tile_megabytes: 128, block_megabytes: 128 }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { body_megabytes: 32 }
    }
}

impl ServerConfig {
    /// Reads a file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError`] with the file, line and key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ConfigError::Read { path: name.clone(), reason: e.to_string() })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|e| ConfigError::Wrong { path: name, reason: e.to_string().trim().to_owned() })?;
        // Absolute: jobs read by these paths from wherever they run.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = whole.parent().unwrap_or(&whole);
        let from_here = |path: &mut PathBuf| *path = folder.join(&path);
        config.store.iter_mut().for_each(from_here);
        config.data.cubes.values_mut().chain(config.data.files.values_mut()).for_each(from_here);
        Ok(config)
    }

    /// The environment over the file: `REDEDGE_LISTEN`, `REDEDGE_STORE`, `REDEDGE_BASE_URL`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn with_environment(mut self, value: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        if let Some(listen) = value("REDEDGE_LISTEN") {
            self.listen = listen.parse().map_err(|_| ConfigError::Wrong {
                path: "REDEDGE_LISTEN".to_owned(),
                reason: format!("`{listen}` is not an address and port such as 127.0.0.1:8080"),
            })?;
        }
        if let Some(store) = value("REDEDGE_STORE") {
            self.store = Some(store.into());
        }
        if let Some(base) = value("REDEDGE_BASE_URL") {
            self.base_url = Some(base);
        }
        Ok(self)
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] naming the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |path: &str, reason: &str| {
            Err(ConfigError::Wrong { path: path.to_owned(), reason: reason.to_owned() })
        };
        if !self.listen.ip().is_loopback() && self.keys.is_empty() {
            return wrong("listen", "off loopback the server asks for keys: name some under [keys]");
        }
        if self.keys.values().any(|key| key.len() < 16) {
            return wrong("keys", "a key has at least 16 characters");
        }
        for (key, value) in [("jobs.workers", self.jobs.workers), ("jobs.waiting", self.jobs.waiting)] {
            if !(1..=10_000).contains(&value) {
                return wrong(key, "is not within 1 to 10,000");
            }
        }
        if self.base_url.as_ref().is_some_and(|b| !b.starts_with("http://") && !b.starts_with("https://")) {
            return wrong("base_url", "is not an http(s) address");
        }
        for (name, path) in self.data.cubes.iter().chain(&self.data.files) {
            if !path.exists() {
                return wrong(&format!("data: {name}"), &format!("{} does not exist", path.display()));
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
        self.store.clone().or_else(platform).ok_or_else(|| ConfigError::Wrong {
            path: "store".to_owned(),
            reason: "this system has no folder for data: name one".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
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
        assert!(config.check().unwrap_err().to_string().contains("hunan"));
        for text in ["lisen = \"x\"", "[jobs]\nworker = 1", "listen = 8080"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("rededge.toml"), "{error}");
        }
    }

    #[test]
    fn off_loopback_keys_are_asked_for_and_the_environment_wins() {
        let env = |name: &str| (name == "REDEDGE_LISTEN").then(|| "0.0.0.0:80".to_owned());
        let config = ServerConfig::default().with_environment(env).unwrap();
        assert!(config.check().unwrap_err().to_string().contains("keys"));
        let keys = [("a".to_owned(), "0123456789abcdef".to_owned())].into();
        assert!(ServerConfig { keys, ..config }.check().is_ok());
        assert!(ServerConfig::default().with_environment(|_| Some("no".to_owned())).is_err());
        assert!(ServerConfig::default().check().is_ok());
    }
}
