//! The layers that are known, each described once.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::describe::{self, has_places, may_be_layer, media_type_of, version_of};
use super::{Collection, Layer, Origin};
use crate::ogc::outputs::{CSV, essence};
use crate::ogc::{DateInterval, title_of};
use crate::process::ProcessError;
use crate::store::{FeatureIndexes, Offered, live, plain, result_file};

/// How long a source that could not be read is left alone, though nothing of it has changed since.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// A successful job, whose results may be layers.
#[derive(Clone, Debug)]
pub struct JobResults {
    /// The job.
    pub job: String,
    /// Its process.
    pub process: String,
    /// When it was made.
    pub created: Timestamp,
    /// The name of the folder that holds its results.
    pub folder: String,
}

/// An output of a folder of results.
#[derive(Debug)]
struct Output {
    name: String,
    media_type: String,
    /// What the job was asked to make.
    asked: Asked,
    /// Described when it is first asked for; `None` within where it is no layer.
    layer: OnceLock<Option<Arc<Layer>>>,
}

/// The layers of one folder of results.
type Outputs = Arc<Vec<Output>>;

/// What a name that the operator offers stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Cube,
    Live,
    File,
}

/// What the operator offers, under an id.
#[derive(Debug)]
struct Configured {
    id: String,
    name: String,
    what: What,
    last: Mutex<Option<Look>>,
}

/// What was found when a source was last looked at.
#[derive(Debug)]
struct Look {
    version: Option<String>,
    at: Instant,
    found: Result<Arc<Layer>, describe::Reason>,
}

impl Look {
    /// Whether it still holds of a source that is of this version now.
    fn holds(&self, now: Option<&String>) -> bool {
        self.version.as_ref() == now && (self.found.is_ok() || self.at.elapsed() < LEFT_ALONE)
    }
}

/// Collections by their ids. What it tells is held in memory until [`Catalogue::forget`].
#[derive(Debug)]
pub struct Catalogue {
    offered: Offered,
    indexes: Arc<FeatureIndexes>,
    configured: Vec<Configured>,
    results: Mutex<HashMap<String, Outputs>>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Catalogue {
    /// A catalogue of what is offered and of results below its folder.
    pub fn new(offered: Offered, indexes: Arc<FeatureIndexes>) -> Self {
        let configured = names(&offered)
            .map(|(_, name, what)| Configured {
                id: id_of(name),
                name: name.clone(),
                what,
                last: Mutex::default(),
            })
            .collect();
        Self { offered, indexes, configured, results: Mutex::default() }
    }

    /// How many names the operator offers that may be layers.
    pub fn configured_len(&self) -> usize {
        self.configured.len()
    }

    /// The configured collections of a page; those whose files are no layers are left out.
    pub fn configured(&self, skip: usize, limit: usize) -> Vec<Collection> {
        self.configured.iter().skip(skip).take(limit).filter_map(|c| self.configured_collection(c)).collect()
    }

    /// The configured collection with this id.
    pub fn configured_by_id(&self, id: &str) -> Option<Collection> {
        self.configured_collection(self.configured.iter().find(|c| c.id == id)?)
    }

    fn configured_collection(&self, entry: &Configured) -> Option<Collection> {
        let name = &entry.name;
        let path = match entry.what {
            What::Cube => self.offered.cube(name)?,
            What::File => self.offered.file(name)?,
            What::Live => PathBuf::new(),
        };
        let now = match entry.what {
            What::Live => live::version_of(self.offered.live.maps.get(name)?, &self.offered),
            What::Cube | What::File => version_of(&path),
        };
        let mut last = held(&entry.last);
        if !last.as_ref().is_some_and(|look| look.holds(now.as_ref())) {
            let found = match (&now, entry.what) {
                (None, _) => Err(format!("{} does not exist", path.display())),
                (Some(_), What::Cube) => describe::cube(&path),
                (Some(_), What::File) => {
                    let style = self.offered.styles.get(name).map(String::as_str);
                    describe::file(&path, media_type_of(&path).unwrap_or_default(), style, &self.indexes)
                }
                (Some(now), What::Live) => {
                    let opened = open_live(name, now.clone(), &self.offered);
                    opened.map_err(|(key, why)| format!("{key}: {why}"))
                }
            };
            *last = Some(Look { version: now, at: Instant::now(), found: self.logged(entry, found) });
        }
        let layer = last.as_ref()?.found.as_ref().ok()?.clone();
        drop(last);
        let live = self.offered.live.maps.get(name).filter(|_| entry.what == What::Live);
        let title = live.and_then(|live| live.title.clone()).unwrap_or_else(|| title_of(name));
        let origin = match live {
            Some(live) => Origin::Live { name: name.clone(), cube: live.cube.clone() },
            None => Origin::Configured { name: name.clone() },
        };
        Some(Collection { id: entry.id.clone(), title, origin, layer })
    }

    /// Opens every map that is computed where it is looked at, so that what does not fit is told at once. One
    /// whose sources cannot be read is tried again when it is asked for.
    ///
    /// # Errors
    /// The key of the configuration, and what is wrong with it.
    pub fn check_live(&self) -> Result<(), (String, String)> {
        for entry in self.configured.iter().filter(|c| c.what == What::Live) {
            let (name, inputs) = (&entry.name, &self.offered.live.maps[&entry.name]);
            let version = live::version_of(inputs, &self.offered);
            let found = match open_live(name, version.clone().unwrap_or_default(), &self.offered) {
                Ok(layer) => Ok(layer),
                Err(mistake) => match broken_source(name, &self.offered) {
                    Some((key, why)) => Err(format!("{key}: {why}")),
                    None => return Err(mistake),
                },
            };
            let found = self.logged(entry, found);
            *held(&entry.last) = Some(Look { version, at: Instant::now(), found });
        }
        Ok(())
    }

    /// Sources that cannot be read now, by their keys in the configuration, as far as they were looked at.
    pub fn unavailable(&self) -> Vec<String> {
        let missing = self.offered.missing().map(|(key, _)| key);
        let looked = self.configured.iter().filter(|entry| self.is_fault(entry)).map(|entry| entry.key(self));
        let mut keys: Vec<String> = missing.chain(looked).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Whether the source of a configured collection could not be read when it was last looked at.
    pub fn is_unavailable(&self, id: &str) -> bool {
        self.configured.iter().any(|entry| entry.id == id && self.is_fault(entry))
    }

    /// Whether a source failed that was meant to be a layer: of files, some are none.
    fn is_fault(&self, entry: &Configured) -> bool {
        // Where somebody looks at it just now, nothing is known yet.
        let Ok(last) = entry.last.try_lock() else { return false };
        let Some(Look { version, found: Err(_), .. }) = &*last else { return false };
        version.is_none() || entry.what != What::File || self.offered.mines.contains_key(&entry.name)
    }

    /// The layer, or a line in the log that says why there is none.
    fn logged(
        &self,
        entry: &Configured,
        found: Result<Layer, describe::Reason>,
    ) -> Result<Arc<Layer>, describe::Reason> {
        if let Err(reason) = &found {
            let key = entry.key(self);
            if entry.what == What::File {
                tracing::info!(key, reason, "not published as a layer");
            } else {
                tracing::warn!(key, reason, "unavailable until its source can be read");
            }
        }
        found.map(Arc::new)
    }

    /// How many outputs of a job may be layers.
    pub fn outputs_len(&self, job: &JobResults) -> usize {
        self.outputs(&job.folder).len()
    }

    /// The collections that a job left.
    pub fn of_job(&self, job: &JobResults) -> Vec<Collection> {
        self.outputs(&job.folder).iter().filter_map(|output| self.collection(job, output)).collect()
    }

    /// The collection of one output of a job.
    pub fn of_output(&self, job: &JobResults, output: &str) -> Option<Collection> {
        self.collection(job, self.outputs(&job.folder).iter().find(|o| o.name == output)?)
    }

    fn collection(&self, job: &JobResults, output: &Output) -> Option<Collection> {
        let layer = output.layer.get_or_init(|| {
            let folder = self.offered.results.join(&job.folder);
            let described = result_file(&folder, &output.name)
                .ok_or_else(|| format!("{} is not there", output.name))
                .and_then(|path| describe::file(&path, &output.media_type, None, &self.indexes));
            let dated = described.map(|layer| Layer { dates: layer.dates.or(output.asked.dates), ..layer });
            told(&output.name, dated)
        });
        let layer = layer.clone().filter(|layer| layer.file.exists())?;
        Some(Collection::of_job(job, &output.name, output.asked.subject.as_deref(), layer))
    }

    fn outputs(&self, folder: &str) -> Outputs {
        let place = self.offered.results.join(folder);
        let known = held(&self.results).get(folder).cloned();
        match known {
            Some(known) if place.join("results.json").exists() => return known,
            // They were deleted by somebody else.
            Some(_) => self.forget(folder),
            None => {}
        }
        let read = listed(&place);
        let found: Outputs = Arc::new(read.unwrap_or_default());
        // Results that are not there yet are looked for again.
        if !found.is_empty() {
            held(&self.results).insert(folder.to_owned(), found.clone());
        }
        found
    }

    /// Results that are gone.
    pub fn forget(&self, folder: &str) {
        held(&self.results).remove(folder);
    }
}

impl Configured {
    /// Its key in the configuration.
    fn key(&self, catalogue: &Catalogue) -> String {
        let table = match self.what {
            What::Cube => "data.cubes",
            What::Live => "live",
            What::File if catalogue.offered.mines.contains_key(&self.name) => "data.mines",
            What::File => "data.files",
        };
        format!("{table}.{}", self.name)
    }
}

/// Opens every map that is computed where it is looked at; those whose sources cannot be read come back, each
/// with its key and why.
///
/// # Errors
/// As [`Catalogue::check_live`].
pub fn check_live(offered: &Offered) -> Result<Vec<(String, String)>, (String, String)> {
    let mut unavailable = Vec::new();
    for name in offered.live.maps.keys() {
        if let Err(mistake) = open_live(name, String::new(), offered) {
            unavailable.push(broken_source(name, offered).ok_or(mistake)?);
        }
    }
    Ok(unavailable)
}

/// The source of a live map that cannot be read, if it is that.
fn broken_source(name: &str, offered: &Offered) -> Option<(String, String)> {
    let inputs = offered.live.maps.get(name)?;
    let cube = offered.cubes.get(&inputs.cube)?;
    if let Err(reason) = describe::cube(cube) {
        return Some((format!("live.{name}.cube"), reason));
    }
    live::broken_file(inputs, offered).map(|(key, reason)| (format!("live.{name}.{key}"), reason))
}

fn open_live(name: &str, version: String, offered: &Offered) -> Result<Layer, (String, String)> {
    describe::live(name, version, offered).map_err(|e| match e {
        ProcessError::Input { input, message } => (format!("live.{name}.{input}"), message),
        other => (format!("live.{name}"), other.to_string()),
    })
}

/// The layer, or a line in the log that says why there is none.
fn told(name: &str, described: Result<Layer, describe::Reason>) -> Option<Arc<Layer>> {
    described.map(Arc::new).map_err(|reason| tracing::info!(name, reason, "not published as a layer")).ok()
}

/// The outputs of a folder that may be layers.
fn listed(folder: &Path) -> Option<Vec<Output>> {
    let document: Value = serde_json::from_slice(&std::fs::read(folder.join("results.json")).ok()?).ok()?;
    let asked = Asked::read(folder).unwrap_or_default();
    let output = |(name, entry): (&String, &Value)| {
        let media_type = entry.get("type")?.as_str().filter(|t| may_be_layer(t))?.to_owned();
        let table = essence(&media_type) == CSV;
        let layer = plain(name) && (!table || has_places(&result_file(folder, name)?));
        let asked = asked.clone();
        layer.then(|| Output { name: name.clone(), media_type, asked, layer: OnceLock::new() })
    };
    Some(document.as_object()?.iter().filter_map(output).collect())
}

/// What a job was asked to make.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Of what, where the request has it by name.
    pub subject: Option<String>,
    /// Of which days.
    pub dates: Option<(Date, Date)>,
}

impl Asked {
    /// What a request tells.
    pub fn of(request: &Value) -> Self {
        let inputs = request.get("inputs").unwrap_or(request);
        Self { subject: subject_of(inputs), dates: dates_of(inputs) }
    }

    fn read(folder: &Path) -> Option<Self> {
        let manifest: Value =
            serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).ok()?).ok()?;
        manifest.get("request").map(Self::of)
    }
}

/// What was mapped, where the request has it by name.
fn subject_of(inputs: &Value) -> Option<String> {
    let named = ["cube", "stressMap", "mines"].iter().find_map(|input| inputs.get(input));
    named.and_then(Value::as_str).map(str::to_owned)
}

/// The days that a request asks for.
fn dates_of(inputs: &Value) -> Option<(Date, Date)> {
    let interval: DateInterval = serde_json::from_value(inputs.get("dates")?.clone()).ok()?;
    (interval.first > Date::MIN && interval.last < Date::MAX).then_some((interval.first, interval.last))
}

/// What the operator offers that may be a layer: its table, its name, and what it stands for.
fn names(offered: &Offered) -> impl Iterator<Item = (&'static str, &String, What)> {
    let tables = [("data.mines", &offered.mines), ("data.files", &offered.files)];
    let files = tables.into_iter().flat_map(|(table, files)| {
        let layers = files.iter().filter(|(_, path)| media_type_of(path).is_some());
        layers.map(move |(name, _)| (table, name, What::File))
    });
    let cubes = offered.cubes.keys().map(|name| ("data.cubes", name, What::Cube));
    let live = offered.live.maps.keys().map(|name| ("live", name, What::Live));
    cubes.chain(live).chain(files)
}

/// The id of the collection that is offered by a name, whatever else is offered: letters of any script
/// are kept, and what has a meaning of its own in addresses becomes a dash.
pub fn id_of(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_control());
    name.chars().map(|c| if kept(c) { c } else { '-' }).collect()
}

/// Refuses names whose collections would have one address.
///
/// # Errors
/// The key of the configuration, and which other it collides with.
pub fn check_names(offered: &Offered) -> Result<(), (String, String)> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (table, name, _) in names(offered) {
        let (id, key) = (id_of(name), format!("{table}.{name}"));
        if let Some(other) = taken.get(&id) {
            let why = format!("its collection would be `{id}`, as that of {other} is; rename one of them");
            return Err((key, why));
        }
        taken.insert(id, key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_has_an_id_of_its_own_whatever_else_is_offered() {
        for (name, id) in [
            ("county-2019", "county-2019"),
            ("county 2019.v2", "county-2019-v2"),
            ("湖南", "湖南"),
            ("湖北", "湖北"),
            ("Đồng Tháp", "Đồng-Tháp"),
            ("a%2Fb:c", "a-2Fb-c"),
        ] {
            assert_eq!(id_of(name), id);
        }
        let table =
            |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), PathBuf::from("x.tif"))).collect();
        let mut offered =
            Offered {
                cubes: table(&["a b", "湖南"]), files: table(&["c", "湖北"]), ..Offered::default()
            };
        check_names(&offered).unwrap();
        offered.files.insert("a-b".to_owned(), PathBuf::from("x.tif"));
        let (key, why) = check_names(&offered).unwrap_err();
        assert!(key == "data.files.a-b" && why.contains("data.cubes.a b"), "{key}: {why}");
        offered.files.insert("a-b".to_owned(), PathBuf::from("model.json"));
        check_names(&offered).unwrap_or_else(|(key, why)| panic!("no layer: {key}: {why}"));
    }

    #[test]
    fn what_was_mapped_is_told_only_where_the_request_has_it_by_name() {
        let told = |inputs| subject_of(&inputs);
        assert_eq!(told(json!({"mines": "mines", "stressMap": "map-2019"})), Some("map-2019".to_owned()));
        assert_eq!(
            told(json!({"cube": "county-2019", "samples": "samples"})),
            Some("county-2019".to_owned())
        );
        assert_eq!(told(json!({"cube": {"href": "https://example.org/items.json"}, "mines": "mines"})), None);
        assert_eq!(told(json!({"samples": "samples"})), None);
    }
}
