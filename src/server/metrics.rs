//! Figures for Prometheus. Every label is one of a bounded set: routes as they are mounted, methods
//! that are known, ids of processes, states.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, web};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::access::caller;
use super::error::{Answer, ApiError, ok};
use super::state::ServerState;
use crate::jobs::{Job, JobStatus};

/// Upper bounds of the latencies of requests, seconds.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Upper bounds of the durations of jobs, seconds.
const DURATIONS: [f64; 12] =
    [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 10_800.0, 43_200.0];
/// How long the size of the results is believed.
const MEASURED: Duration = Duration::from_mins(5);

/// The figures, and what they were last read from.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latencies: HistogramVec,
    jobs: IntGaugeVec,
    queue: IntGaugeVec,
    over: IntCounterVec,
    durations: HistogramVec,
    /// What becomes of blocks of live maps.
    pub live_blocks: IntCounterVec,
    store: IntGaugeVec,
    free: IntGauge,
    tiles: IntGauge,
    measured: Mutex<Option<Instant>>,
}

impl Metrics {
    /// All of them, at nothing.
    ///
    /// # Errors
    /// A mistake in their names.
    pub fn new() -> prometheus::Result<Self> {
        let (opts, histogram) = (Opts::new::<&str, &str>, HistogramOpts::new::<&str, &str>);
        let new = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                opts("rededge_http_requests_total", "Requests that were answered."),
                &["route", "method", "status"],
            )?,
            latencies: HistogramVec::new(
                histogram("rededge_http_request_duration_seconds", "Time to the head of the answer.")
                    .buckets(LATENCIES.to_vec()),
                &["route", "method"],
            )?,
            jobs: IntGaugeVec::new(opts("rededge_jobs", "Jobs that are kept, by state."), &["state"])?,
            queue: IntGaugeVec::new(
                opts("rededge_queue", "Jobs that wait or run, and how many may."),
                &["what"],
            )?,
            over: IntCounterVec::new(
                opts("rededge_jobs_over_total", "Jobs that ended since the start."),
                &["process", "state"],
            )?,
            durations: HistogramVec::new(
                histogram("rededge_job_duration_seconds", "Time that jobs ran.").buckets(DURATIONS.to_vec()),
                &["process"],
            )?,
            live_blocks: IntCounterVec::new(
                opts(
                    "rededge_live_blocks_total",
                    "Blocks of live maps that were computed, or wanted no more.",
                ),
                &["outcome"],
            )?,
            store: IntGaugeVec::new(
                opts("rededge_store_bytes", "Size of what is kept; results are measured every five minutes."),
                &["part"],
            )?,
            free: IntGauge::new("rededge_store_free_bytes", "Space that is left where results are kept.")?,
            tiles: IntGauge::new("rededge_tile_cache_bytes", "Size of the tiles that are kept in memory.")?,
            measured: Mutex::default(),
        };
        let build = IntGaugeVec::new(opts("rededge_build_info", "The version that runs."), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let all: [Box<dyn prometheus::core::Collector>; 11] = [
            Box::new(new.requests.clone()),
            Box::new(new.latencies.clone()),
            Box::new(new.jobs.clone()),
            Box::new(new.queue.clone()),
            Box::new(new.over.clone()),
            Box::new(new.durations.clone()),
            Box::new(new.live_blocks.clone()),
            Box::new(new.store.clone()),
            Box::new(new.free.clone()),
            Box::new(new.tiles.clone()),
            Box::new(build),
        ];
        all.into_iter().try_for_each(|one| new.registry.register(one))?;
        #[cfg(target_os = "linux")]
        new.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(new)
    }

    /// A request was answered.
    pub fn answered(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "other",
        };
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.latencies.with_label_values(&[route, method]).observe(took.as_secs_f64());
    }

    /// A job is over.
    pub fn job_over(&self, job: &Job) {
        self.over.with_label_values(&[job.process.as_str(), job.state.as_str()]).inc();
        // One that shares results did not run.
        if let (Some(started), Some(finished), None) = (job.started, job.finished, &job.of) {
            let seconds = finished.duration_since(started).as_secs_f64().max(0.0);
            self.durations.with_label_values(&[job.process.as_str()]).observe(seconds);
        }
    }

    /// Reads what is counted nowhere else.
    fn refresh(&self, state: &ServerState) -> Result<(), ApiError> {
        let counted = state.queue.states()?;
        for standing in JobStatus::ALL {
            let found = counted.iter().find(|(s, _)| *s == standing).map_or(0, |(_, n)| *n);
            self.jobs.with_label_values(&[standing.as_str()]).set(gauge(found));
        }
        let (load, limits) = (state.queue.load(), &state.config.jobs);
        for (what, value) in [
            ("waiting", load.waiting),
            ("running", load.running),
            ("workers", load.workers),
            ("limit", limits.waiting),
        ] {
            self.queue.with_label_values(&[what]).set(gauge(value as u64));
        }
        if let Ok(free) = fs4::available_space(&state.folder) {
            self.free.set(gauge(free));
        }
        self.tiles.set(gauge(state.maps.cache.bytes()));
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.is_none_or(|at| at.elapsed() > MEASURED) {
            let size = |path: &Path| gauge(size(path));
            self.store.with_label_values(&["results"]).set(size(&state.folder.join("results")));
            *measured = Some(Instant::now());
        }
        let database = ["jobs.sqlite", "jobs.sqlite-wal"].map(|name| size(&state.folder.join(name)));
        self.store.with_label_values(&["jobs"]).set(gauge(database.iter().sum()));
        Ok(())
    }

    fn text(&self) -> Result<Vec<u8>, ApiError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).map_err(ApiError::internal)?;
        Ok(text)
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Bytes of a file, or of all files below a folder; links are not followed.
fn size(path: &Path) -> u64 {
    let Ok(found) = path.symlink_metadata() else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}

pub async fn metrics(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    if !state.config.metrics.public {
        caller(&state, &request).await.map_err(|e| e.to(&request))?;
    }
    let read = state.clone();
    let text = super::state::block(move || {
        read.metrics.refresh(&read)?;
        read.metrics.text()
    });
    let text = text.await.map_err(ApiError::from).and_then(|t| t).map_err(|e| e.to(&request))?;
    Ok(ok().content_type(ContentType::plaintext()).body(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_text_and_unknown_methods_are_one() {
        let metrics = Metrics::new().unwrap();
        for method in ["GET", "BREW", "STEEP"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            metrics.answered("/jobs/{job}", &method, 200, Duration::from_millis(3));
        }
        let text = String::from_utf8(metrics.text().unwrap()).unwrap();
        assert!(text.contains(
            "rededge_http_requests_total{method=\"other\",route=\"/jobs/{job}\",status=\"200\"} 2"
        ));
        assert!(text.contains("rededge_http_request_duration_seconds_bucket{method=\"GET\",route=\"/jobs/{job}\",le=\"0.005\"} 1"));
        assert!(text.contains(concat!("rededge_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")));
    }
}
