//! What an operator decides: `rededge.toml`, and the environment over it.

pub mod key;
mod read;
mod reader;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::Limits;
use crate::process::live::LiveInputs;
use key::Key;
pub use read::is_address;
use read::{parse, text};
pub use reader::ReaderConfig;
pub use settings::{Kind, Setting, settings};

pub use super::links::LinksConfig;

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

impl ConfigError {
    pub(super) fn wrong(path: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Wrong { path: path.into(), reason: reason.to_string() }
    }
}

/// The whole configuration. Every key has a default; unknown ones are errors. The words at the keys
/// are those of `docs/server.md`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port to listen on. Off loopback, keys or tokens are required.
    pub listen: SocketAddr,
    /// Folder of jobs and results; the platform's folder for data where not given.
    pub store: Option<PathBuf>,
    /// The address that links begin with, where the server stands behind another
    /// (`https://maps.example.org/rededge`); that of the request where not given.
    pub base_url: Option<String>,
    /// Whether a proxy stands before the server that sets `Forwarded` or `X-Forwarded-Host`, `-Proto` and
    /// `-Prefix` and lets none through that callers send: then links begin with what it says.
    pub trust_proxy: bool,
    /// Names under which callers reach a server that asks for no keys, beside those of loopback and that of
    /// `base_url` (`maps.internal`, `192.168.1.7`); `*` for any, which lets web pages in by DNS rebinding.
    pub server_names: Vec<String>,
    /// Title of the service.
    pub title: String,
    /// Keys of callers by the callers' names: a key, or `sha256:` and its hash in hex.
    /// `REDEDGE_KEYS` adds some as `ann=KEY,bob=KEY`. Never printed.
    #[serde(skip_serializing)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub keys: BTreeMap<String, Key>,
    /// A file of more keys, a line `name = "key"` each, so that none need stand here.
    pub keys_file: Option<PathBuf>,
    /// Bearer tokens of an OpenID Connect issuer.
    pub oidc: OidcConfig,
    /// Web pages that may call.
    pub cors: CorsConfig,
    /// Jobs.
    pub jobs: JobsConfig,
    /// Limits of a request.
    pub limits: LimitsConfig,
    /// The log, on standard error.
    pub log: LogConfig,
    /// Figures for Prometheus.
    pub metrics: MetricsConfig,
    /// Data by name: what requests may read.
    pub data: DataConfig,
    /// Maps of results and data.
    pub maps: MapsConfig,
    /// Links in requests, which are not followed unless their hosts are named.
    pub links: LinksConfig,
    /// The process that reads what comes by value or by link.
    pub reader: ReaderConfig,
    /// Maps that are computed where they are looked at, by name: a cube with a model or a spectral index
    /// (docs/maps.md tells their keys).
    pub live: BTreeMap<String, LiveInputs>,
}

/// Bearer tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// Who issues the tokens, as their `iss` says (`https://login.example.org/realms/maps`). Tokens
    /// are taken where this is given.
    pub issuer: Option<String>,
    /// Whom the tokens are for, as their `aud` says.
    pub audience: Option<String>,
    /// The issuer's public keys: a file or an address of a JSON Web Key Set; that which the issuer's
    /// `/.well-known/openid-configuration` names where not given.
    pub jwks: Option<String>,
}

/// Cross-origin requests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorsConfig {
    /// Origins whose pages may call (`https://maps.example.org`), or `*` for any. Where not given: any
    /// where callers show keys or tokens, else pages of this machine alone.
    pub origins: Option<Vec<String>>,
}

/// How jobs are run and kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
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
    /// Days that jobs and their results are kept; 0 is for good.
    pub keep_days: u32,
    /// Seconds that a synchronous call waits before it becomes a job.
    pub synchronous_seconds: u64,
    /// Seconds that running jobs are given to finish when the server stops; what is not done then runs
    /// again at the next start. A dismissed job that still runs after as long makes `/health` warn.
    pub grace_seconds: u64,
}

/// What a request may ask for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Megabytes of a request's body.
    pub body_megabytes: usize,
    /// Connections at a time, half of the files that may be open at most. For one more, the one that has
    /// been idle for longest is closed; where none is idle, it is answered with 503.
    pub connections: usize,
    /// Megabytes of results that may stand in one answer that holds several, is a document or is a WPS
    /// response; what is over is a link there.
    pub inline_megabytes: usize,
    /// Seconds that a client has to send the head of a request, and then its body; bodies of which 16
    /// kB come every second have longer.
    pub client_seconds: u64,
    /// Megabytes that must be free where results are kept: below, `/health` fails.
    pub free_megabytes: u64,
    /// Pixels that a raster of a request or a result may have; pixels times dates that a map may be made of.
    pub pixels: u64,
    /// Vertices that the features of one input may have together.
    pub vertices: u64,
    /// Vertices that one geometry may have.
    pub geometry_vertices: u64,
    /// Megabytes of memory that a job may take for rasters and tables that it holds whole, such as a map
    /// that is sieved; blocks that are read one by one do not count.
    pub memory_megabytes: u64,
}

impl LimitsConfig {
    /// Those of one job.
    pub fn of_a_job(&self) -> Limits {
        let Self { pixels, vertices, geometry_vertices, memory_megabytes, .. } = *self;
        Limits { pixels, vertices, geometry_vertices, memory_megabytes }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text`, `json`, or `auto`: text on a terminal, JSON elsewhere.
    #[schemars(with = "String")]
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, or by part (`info,rededge::jobs=debug`).
    pub level: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

/// Who may read the figures.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether `/metrics` is for everybody, also where other requests ask for a key.
    pub public: bool,
}

/// How maps are drawn.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MapsConfig {
    /// Threads that draw; one a core where 0.
    pub threads: usize,
    /// Tiles that may wait to be drawn; more are refused.
    pub waiting: usize,
    /// Megabytes of drawn tiles that are kept; none where 0.
    pub tile_megabytes: u64,
    /// Megabytes of decoded pieces of rasters that are kept, and of what live maps have computed.
    pub block_megabytes: u64,
    /// Megabytes of decoded scenes that each live map keeps.
    pub live_megabytes: usize,
    /// Stored pixels that a tile of a live map may read; coarser tiles are refused.
    pub live_pixels: u64,
}

/// Data that the operator offers by name. Requests name them; paths of requests are not followed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Whom users of the data and of what is made from them are to name.
    pub attribution: Option<String>,
    /// The licence of the data: an address, or its SPDX id.
    pub license: Option<String>,
    /// Cubes: STAC ItemCollections, SAFE or GF-6 folders, folders of GeoTIFFs.
    pub cubes: BTreeMap<String, PathBuf>,
    /// Mines: GeoJSON, GML, GeoPackage, FlatGeobuf, Shapefile or CSV.
    pub mines: BTreeMap<String, PathBuf>,
    /// Models that `train-rice` or `train-stress` wrote, or LightGBM text models.
    pub models: BTreeMap<String, PathBuf>,
    /// Files of any kind: samples, rasters.
    pub files: BTreeMap<String, PathBuf>,
    /// Folders: what lies in one is offered as `NAME/FILE`, what comes later too; hidden files are not,
    /// nor what lies deeper.
    pub folders: BTreeMap<String, PathBuf>,
    /// How files are drawn, by the names they have in `files` or `mines`: the id of a style of `/styles`.
    /// A raster of bytes without a legend of its own is read by the codes of the style that stands here.
    pub styles: BTreeMap<String, String>,
}

impl DataConfig {
    /// Every entry of the tables, with the name of its table.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, &String, &PathBuf)> {
        let tables = [
            ("cubes", &self.cubes),
            ("mines", &self.mines),
            ("models", &self.models),
            ("files", &self.files),
            ("folders", &self.folders),
        ];
        tables.into_iter().flat_map(|(kind, table)| table.iter().map(move |(name, path)| (kind, name, path)))
    }

    fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tables = [&mut self.cubes, &mut self.mines, &mut self.models, &mut self.files, &mut self.folders];
        tables.into_iter().flat_map(BTreeMap::values_mut)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            store: None,
            base_url: None,
            trust_proxy: false,
            server_names: Vec::new(),
            title: "rededge".to_owned(),
            keys: BTreeMap::new(),
            keys_file: None,
            oidc: OidcConfig::default(),
            cors: CorsConfig::default(),
            jobs: JobsConfig::default(),
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
            metrics: MetricsConfig::default(),
            data: DataConfig::default(),
            maps: MapsConfig::default(),
            links: LinksConfig::default(),
            reader: ReaderConfig::default(),
            live: BTreeMap::new(),
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
        Self {
            threads: 0,
            waiting: 512,
            tile_megabytes: 128,
            block_megabytes: 128,
            live_megabytes: 256,
            live_pixels: 100_000_000,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let Limits { pixels, vertices, geometry_vertices, memory_megabytes } = Limits::default();
        Self {
            body_megabytes: 32,
            connections: 1000,
            inline_megabytes: 16,
            client_seconds: 20,
            free_megabytes: 100,
            pixels,
            vertices,
            geometry_vertices,
            memory_megabytes,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}
