//! `rededge demo`: from an invented county to a map that is held against the truth.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rededge::budget::Limits;
use rededge::classify::assess::Accuracy;
use rededge::ogc::Execute;
use rededge::process::Progress as _;
use serde_json::{Value, json};

use super::Failure;
use super::report::Report;
use super::run::find;
use super::runner::{Run, WorkArgs, pool};
use super::simulate::{Bands, Size, simulate};
use super::stop::Stop;

/// Simulate a county, map its rice and hold the map against the truth
///
/// Needs no data. DIR/county gets the scenes, the samples and the truth; DIR/map what `rededge run
/// rice-map` makes of them; DIR/assessment what `rededge run assess-accuracy` finds on the half of
/// the fields that no sample came from. The requests are kept beside them, to be run again or changed.
#[derive(clap::Args)]
pub struct Args {
    /// New or empty folder
    #[arg(long, short, value_name = "DIR", default_value = "rededge-demo")]
    out: PathBuf,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    work: WorkArgs,
}

impl Args {
    /// Runs the command.
    pub fn execute(self) -> ExitCode {
        self.work.execute(|report, stop| self.run(report, stop))
    }

    fn run(&self, report: &Report, stop: &Stop) -> Result<(Vec<PathBuf>, String), Failure> {
        if std::fs::read_dir(&self.out).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("{} holds files already; name a new or empty folder", self.out.display());
            return Err(Failure::BadInput(message));
        }
        if self.size.dates < 5 || self.size.width.min(self.size.height) < 100 {
            let message = "a demo needs at least 5 dates and 100 x 100 pixels, to train and to test on";
            return Err(Failure::BadInput(message.to_owned()));
        }
        let county = self.out.join("county");
        pool(self.work.threads)?
            .install(|| simulate(&county, &self.size, 2019, &Bands::ndre(), report, stop))?;
        let mut files = vec![county.join("items.json")];
        let map = json!({
            "cube": "county/items.json",
            "samples": "county/samples-rice.geojson",
            "dem": "county/dem.tif",
            "minimumMappingUnit": 0.05,
        });
        files.extend(self.process("rice-map", map, "map", report, stop)?);
        let assessment = json!({
            "map": "map/classMap.tif",
            "samples": "county/truth-rice.tif",
            "mask": "county/truth-testmask.tif",
        });
        let found = self.process("assess-accuracy", assessment, "assessment", report, stop)?;
        let accuracy = read_accuracy(&self.out.join("assessment/accuracy.json"))?;
        files.extend(found);
        Ok((files, self.told(&accuracy)))
    }

    /// Runs a process on a request that is kept in the folder.
    fn process(
        &self,
        id: &str,
        inputs: Value,
        out: &str,
        report: &Report,
        stop: &Stop,
    ) -> Result<Vec<PathBuf>, Failure> {
        stop.token.check()?;
        let path = self.out.join(format!("{id}.json"));
        let text = format!("{inputs:#}\n");
        std::fs::write(&path, text).map_err(|e| Failure::Failed(format!("{}: {e}", path.display())))?;
        report.note(&format!("rededge run {id} {} --out {}", path.display(), self.out.join(out).display()));
        let request = Execute::parse(inputs)
            .map_err(|(path, message)| Failure::Failed(format!("{id}: {path}: {message}")))?;
        let out = self.out.join(out);
        Run {
            process: find(id)?,
            request,
            base: &self.out,
            out: &out,
            threads: self.work.threads,
            keep: None,
            limits: Limits::default(),
        }
        .execute(report, stop)
    }

    fn told(&self, accuracy: &Accuracy) -> String {
        let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
        let pixels: u64 = accuracy.matrix.iter().flatten().sum();
        let mut text = format!(
            "\nOn the {pixels} pixels of fields that no sample came from:\n  overall accuracy {}, kappa {}\n",
            share(accuracy.overall),
            share(accuracy.kappa)
        );
        for class in &accuracy.classes {
            let of = |by: &std::collections::BTreeMap<String, Option<f64>>| {
                share(by.get(class).copied().flatten())
            };
            text += &format!(
                "  {class:<12} producer's {}, user's {}\n",
                of(&accuracy.producers),
                of(&accuracy.users)
            );
        }
        let at = |name: &str| self.out.join(name).display().to_string();
        text += &format!(
            "\nWhere to look:\n  {}  the map as a picture\n  {}  the map, for any GIS; names and colours are in it, and a QGIS style beside it\n  {}  accuracy by the samples alone, as a user without the truth sees it\n  {}  the truth\n",
            at("map/classMap.png"),
            at("map/classMap.tif"),
            at("map/accuracy.json"),
            at("county/truth-rice.tif"),
        );
        text
    }
}

fn read_accuracy(path: &Path) -> Result<Accuracy, Failure> {
    let fail = |reason: String| Failure::Failed(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| fail(e.to_string()))
}
