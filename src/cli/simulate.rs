//! `rededge simulate DIR`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rededge::cube::Band;
use rededge::io::county::{CountyError, CountySummary, write_county};
use rededge::process::Progress;
use rededge::simulate::{County, Options, SimulateError};

use super::Failure;
use super::runner::{WorkArgs, pool};
use super::stop::Stop;

/// Write a simulated paddy county with known truth
///
/// Sentinel-2 scenes (items.json, a STAC ItemCollection) of single and double rice, dry crops,
/// forest, water and towns between 1 April and 16 October, with clouds, an imperfect cloud mask and
/// mines that harm the rice around them; beside them dem.tif, mines.geojson, truth-rice.tif,
/// truth-cover.tif, truth-stress.tif, and samples-*.geojson drawn from the half of the fields where
/// truth-testmask.tif is 0.
#[derive(clap::Args)]
pub struct Args {
    /// New or empty folder
    dir: PathBuf,
    #[command(flatten)]
    size: Size,
    /// Year: crops, weather and clouds change, fields and mines stay
    #[arg(long, default_value_t = 2019, value_parser = clap::value_parser!(i16).range(2015..=2100))]
    year: i16,
    /// Bands: `all`, `ndre` (B05 and B08), or a list such as B04,B08. QA60 is always written
    #[arg(long, default_value = "all", value_parser = parse_bands)]
    bands: Bands,
    #[command(flatten)]
    work: WorkArgs,
}

/// How large a county is.
#[derive(clap::Args, Clone, Debug)]
pub struct Size {
    /// Pixels of 10 m from west to east (a Sentinel-2 tile has 10980)
    #[arg(long, default_value_t = 1000)]
    pub width: usize,
    /// Pixels of 10 m from north to south
    #[arg(long, default_value_t = 1000)]
    pub height: usize,
    /// Number of acquisitions
    #[arg(long, default_value_t = 33)]
    pub dates: usize,
    /// Which county
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// The bands of an argument.
#[derive(Clone, Debug)]
pub struct Bands(Vec<Band>);

impl Bands {
    /// What rice maps read.
    pub fn ndre() -> Self {
        Self(vec![Band::RedEdge1, Band::Nir])
    }
}

fn parse_bands(text: &str) -> Result<Bands, String> {
    match text {
        "all" => Ok(Bands(Options::all_bands())),
        "ndre" => Ok(Bands::ndre()),
        list => {
            let mut bands = Vec::new();
            for name in list.split(',') {
                let band = Band::parse(name).ok_or_else(|| format!("there is no band `{name}`"))?;
                if !bands.contains(&band) {
                    bands.push(band);
                }
            }
            Ok(Bands(bands))
        }
    }
}

impl Args {
    /// Runs the command.
    pub fn execute(self) -> ExitCode {
        self.work.execute(|report, stop| {
            if self.dir.exists() && !self.dir.is_dir() {
                return Err(Failure::BadInput(format!("{} is a file, not a folder", self.dir.display())));
            }
            let write = || simulate(&self.dir, &self.size, self.year, &self.bands, report, stop);
            let summary = pool(self.work.threads)?.install(write)?;
            for (theme, count) in &summary.samples {
                report.note(&format!("{count} samples of {}", theme.name()));
            }
            report.note(&format!("{} mines, {} MB in all", summary.mines, summary.bytes / 1_000_000));
            Ok((vec![self.dir.join("items.json")], String::new()))
        })
    }
}

/// Writes a county, telling how far it is.
pub fn simulate(
    dir: &Path,
    size: &Size,
    year: i16,
    bands: &Bands,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<CountySummary, Failure> {
    let options = Options {
        rows: size.height,
        cols: size.width,
        dates: size.dates,
        year,
        seed: size.seed,
        bands: bands.0.clone(),
    };
    let county = County::new(options).map_err(CountyError::from)?;
    let summary = write_county(&county, dir, |written| {
        if written.blocks == 0 {
            stop.guard(Some(written.aside));
            progress.step("simulate", written.of as u64);
        }
        progress.done(written.blocks as u64);
        if stop.token.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    stop.guard(None);
    Ok(summary?)
}

impl From<CountyError> for Failure {
    fn from(error: CountyError) -> Self {
        match error {
            CountyError::NotEmpty(_) | CountyError::Simulate(SimulateError::Option { .. }) => {
                Self::BadInput(error.to_string())
            }
            CountyError::Cancelled => Self::Cancelled,
            CountyError::Write { .. } | CountyError::Simulate(SimulateError::Crs(_)) => {
                Self::Failed(error.to_string())
            }
        }
    }
}
