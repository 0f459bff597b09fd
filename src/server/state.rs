//! What every handler shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::error::BlockingError;
use actix_web::{HttpRequest, web};
use quick_cache::sync::Cache;

use super::access::Access;
use super::collections::Published;
use super::config::{ConfigError, ServerConfig};
use super::health::Health;
use super::host::{Reach, RunHost};
use super::maps::Maps;
use super::metrics::Metrics;
use super::pages::Definition;
use super::proxy::outside;
use crate::io::gdal_setup;
use crate::io::isolate::{ReadError, Reader};
use crate::jobs::{JobsError, Limits, Queue, Store};
use crate::store::collections::{self, Catalogue, is_layer_of_features};
use crate::store::{FeatureIndexes, GrowingResults, LiveOffers, Offered};

/// The folder, beside that of results, of files that are gone when they were sent or put in order.
pub const TEMPORARY: &str = "tmp";
/// Addresses of which the definition of the API is kept: callers may give a server any name.
const DEFINITIONS: usize = 4;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder of jobs and results.
    #[error("cannot use {path}: {reason}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// The store of jobs.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// Threads that draw maps.
    #[error("no threads to draw maps on: {0}")]
    Threads(String),
    /// The figures.
    #[error("no figures can be kept: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The process that reads files of callers.
    #[error(transparent)]
    Reader(#[from] ReadError),
    /// The address.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
}

/// Does what blocks on a thread of its own, with the request's id in its log.
///
/// # Errors
/// [`BlockingError`] where it panicked.
pub async fn block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BlockingError> {
    let span = tracing::Span::current();
    web::block(move || span.in_scope(work)).await
}

/// The queue, the host that runs jobs, and the configuration.
pub struct ServerState {
    /// The configuration.
    pub config: ServerConfig,
    /// The jobs.
    pub queue: Arc<Queue>,
    /// Where results are.
    pub(super) host: Arc<RunHost>,
    /// What may be seen of results and data.
    pub(super) published: Arc<Published>,
    /// What draws maps.
    pub(super) maps: Arc<Maps>,
    /// Whom the server knows.
    pub(super) access: Access,
    /// Its figures.
    pub(super) metrics: Arc<Metrics>,
    /// Whether it is well.
    pub(super) health: Health,
    /// The folder of jobs and results.
    pub(super) folder: PathBuf,
    /// Features by place and condition.
    pub(super) indexes: Arc<FeatureIndexes>,
    /// Definitions of the API by the address that their links begin with.
    pub(super) definitions: Cache<String, Arc<Definition>>,
    /// Path before every route.
    prefix: String,
}

/// What requests may name.
fn offered(config: &ServerConfig, results: PathBuf) -> Offered {
    let data = config.data.clone();
    Offered {
        cubes: data.cubes,
        mines: data.mines,
        models: data.models,
        files: data.files,
        folders: data.folders,
        styles: data.styles,
        live: LiveOffers {
            maps: config.live.clone(),
            bytes: config.maps.live_megabytes << 20,
            pixels: config.maps.live_pixels,
        },
        results,
    }
}

/// Looks at what a configuration offers as the start of a server does: names that collide are an error; sources
/// that are unavailable are told, as a server starts without them.
///
/// # Errors
/// [`ConfigError`] naming the key of what does not fit.
pub fn check_sources(config: &ServerConfig) -> Result<Vec<String>, ConfigError> {
    let offered = offered(config, PathBuf::new());
    collections::check_names(&offered).map_err(|(key, e)| ConfigError::wrong(key, e))?;
    let broken = collections::check_live(&offered).map_err(|(key, e)| ConfigError::wrong(key, e))?;
    let missing = offered.missing().map(|(key, path)| format!("{key}: {} does not exist", path.display()));
    Ok(missing.chain(broken.into_iter().map(|(key, why)| format!("{key}: {why}"))).collect())
}

/// Starts the process that reads files of callers once, and says what this machine cannot hold it back
/// from.
fn try_reader(reader: &Reader) -> Result<(), ReadError> {
    let guard = reader.guard()?;
    if !(guard.files && guard.calls) {
        tracing::warn!(
            landlock = guard.files,
            seccomp = guard.calls,
            "the kernel does not confine the process that reads files of callers; its limits of memory and time \
             hold (docs/security.md)"
        );
    }
    Ok(())
}

impl ServerState {
    /// Opens the store and starts the workers.
    ///
    /// # Errors
    /// [`StartError`] naming what is in the way.
    pub fn start(config: ServerConfig) -> Result<Self, StartError> {
        config.check()?;
        let folder = config.store_folder()?;
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let results = folder.join("results");
        std::fs::create_dir_all(&results)
            .map_err(|e| StartError::Folder { path: results.display().to_string(), reason: e.to_string() })?;
        let indexes = Arc::new(FeatureIndexes::new(&results, &folder.join("columns")));
        let access = Access::open(&config)?;
        gdal_setup::setup();
        let offered = offered(&config, results);
        for (key, path) in offered.missing() {
            tracing::warn!(key, path = %path.display(), "unavailable: it does not exist");
        }
        let catalogue = Catalogue::new(offered.clone(), indexes.clone());
        let wrong = |(key, e): (String, String)| ConfigError::wrong(key, e);
        collections::check_names(&offered).map_err(wrong)?;
        catalogue.check_live().map_err(wrong)?;
        let growing = Arc::new(GrowingResults::new(&folder.join("columns")));
        let published = Arc::new(Published::new(catalogue, growing));
        let metrics = Arc::new(Metrics::new()?);
        let maps = Maps::new(&config.maps, metrics.live_blocks.clone());
        let maps = Arc::new(maps.map_err(StartError::Threads)?);
        let threads = match config.jobs.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from).div_ceil(config.jobs.workers),
            threads => threads,
        };
        let reach = Reach::of(&config, &folder)?;
        let host = Arc::new(RunHost::new(
            offered,
            reach,
            threads,
            published.clone(),
            maps.clone(),
            metrics.clone(),
            indexes.clone(),
        ));
        // Opened first: what is swept must not be another server's.
        let store = Store::open(&folder.join("jobs.sqlite"))?;
        host.sweep();
        let temporary = folder.join(TEMPORARY);
        let _ = std::fs::remove_dir_all(&temporary);
        std::fs::create_dir_all(&temporary).map_err(|e| StartError::Folder {
            path: temporary.display().to_string(),
            reason: e.to_string(),
        })?;
        try_reader(host.reader())?;
        let limits = Limits {
            workers: config.jobs.workers,
            waiting: config.jobs.waiting,
            per_owner: config.jobs.per_caller,
            retention: (config.jobs.keep_days > 0)
                .then(|| Duration::from_secs(u64::from(config.jobs.keep_days) * 86_400)),
            ..Limits::default()
        };
        let queue = Arc::new(Queue::start(store, host.clone(), limits)?);
        host.ask(&queue);
        published.prepare(&queue);
        let features = config
            .data
            .mines
            .values()
            .chain(config.data.files.values())
            .filter(|path| is_layer_of_features(path));
        indexes.prepare(features.cloned().collect());
        let health =
            Health::new(config.limits.free_megabytes << 20, Duration::from_secs(config.jobs.grace_seconds));
        let prefix = String::new();
        let definitions = Cache::new(DEFINITIONS);
        Ok(Self {
            config,
            queue,
            host,
            published,
            maps,
            access,
            metrics,
            health,
            folder,
            indexes,
            definitions,
            prefix,
        })
    }

    /// Mounted under a path, such as `/rededge`.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        prefix.trim_end_matches('/').clone_into(&mut self.prefix);
        self
    }

    /// The address that links begin with, without a slash at its end. Behind a proxy that is trusted it is
    /// what `Forwarded` or `X-Forwarded-*` say.
    pub fn base(&self, request: &HttpRequest) -> String {
        if let Some(base) = &self.config.base_url {
            return base.trim_end_matches('/').to_owned();
        }
        format!("{}{}", outside(request, self.config.trust_proxy), self.prefix)
    }
}
