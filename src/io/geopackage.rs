//! GeoPackages, read through SQLite alone. The file may be anybody's: it is opened read-only with no
//! extension, nothing of its schema is trusted, and what a table is, is decided by what SQLite makes of
//! it (`PRAGMA table_list`), never by the text that the file keeps of it. Only ordinary tables are read:
//! a view or a virtual table can lead elsewhere or never end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::fmt::temporal::Pieces;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::vectors::RowSink;
use super::{IoError, wkb};
use crate::crs::Crs;
use crate::vector::Value;

/// What is asked before any table is read.
const QUESTIONS: [&str; 3] = ["table_list", "table_xinfo", "trusted_schema"];

/// Reads the one layer of a GeoPackage row by row.
///
/// # Errors
/// [`IoError`] names the file: damaged, no layer or several, a layer that is no ordinary table; and those
/// of the sink.
pub(super) fn each(path: &Path, name: &str, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("as GPKG: {e}"));
    let package = Package::open(path).map_err(|e| fail(&e))?;
    let layer = package.layer().map_err(|e| fail(&e))?;
    sink.crs(package.crs(layer.srs).map_err(|e| fail(&e))?)?;
    package.rows(&layer, name, sink)
}

/// An open file.
struct Package {
    connection: Connection,
    /// Whether tables may be read: not before it is known what they are.
    reading: Arc<AtomicBool>,
}

/// A table of features.
struct Layer {
    table: String,
    geometry: String,
    srs: i64,
    fields: Vec<(String, Field)>,
}

/// How the values of a column are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Flag,
    Text,
    Time,
    /// As they are stored.
    Plain,
}

impl Field {
    fn of(declared: &str) -> Self {
        let name = declared.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
        match name.as_str() {
            "BOOLEAN" => Self::Flag,
            "TEXT" => Self::Text,
            "DATETIME" => Self::Time,
            _ => Self::Plain,
        }
    }

    fn value(self, stored: ValueRef<'_>) -> Value {
        match (self, stored) {
            (_, ValueRef::Null) => Value::Null,
            (Self::Flag, ValueRef::Integer(v)) => Value::Bool(v != 0),
            (Self::Text, ValueRef::Integer(v)) => Value::Text(v.to_string()),
            (Self::Text, ValueRef::Real(v)) => Value::Text(v.to_string()),
            (_, ValueRef::Integer(v)) => Value::Integer(v),
            (_, ValueRef::Real(v)) => Value::Number(v),
            (Self::Time, ValueRef::Text(v)) => Value::Text(time(&String::from_utf8_lossy(v))),
            (_, ValueRef::Text(v)) => Value::Text(String::from_utf8_lossy(v).into_owned()),
            (_, ValueRef::Blob(v)) => Value::Text(v.iter().map(|b| format!("{b:02X}")).collect()),
        }
    }
}

/// A moment as it is told everywhere here (`2022-07-05 10:00:00 +00:00`); what is none stays as it is.
fn time(text: &str) -> String {
    let Ok(pieces) = Pieces::parse(text.trim()) else { return text.to_owned() };
    let Some(time) = pieces.time() else { return text.to_owned() };
    let seconds = pieces.to_numeric_offset().map_or(0, jiff::tz::Offset::seconds);
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    let clock = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    format!("{} {clock} {sign}{:02}:{:02}", pieces.date(), minutes / 60, minutes % 60)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A connection that changes nothing and believes nothing.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = |connection: &Connection| connection.pragma_query(None, "schema_version", |_| Ok(()));
    let opened = Connection::open_with_flags(path, flags)?;
    match look(&opened) {
        Ok(()) => Ok(opened),
        // One that was written with a log, where none can be made: as it lies there.
        Err(rusqlite::Error::SqliteFailure(e, _))
            if matches!(e.code, rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) =>
        {
            let text = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let text = percent_encoding::utf8_percent_encode(
                &text.to_string_lossy(),
                percent_encoding::NON_ALPHANUMERIC,
            )
            .to_string();
            let link = format!("file:{}?immutable=1", text.replace("%2F", "/"));
            Connection::open_with_flags(link, flags | OpenFlags::SQLITE_OPEN_URI)
        }
        Err(error) => Err(error),
    }
}

impl Package {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = connect(path)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let reading = Arc::<AtomicBool>::default();
        let allowed = reading.clone();
        connection.authorizer(Some(move |asked: AuthContext<'_>| {
            let good = match asked.action {
                AuthAction::Pragma { pragma_name, .. } => {
                    QUESTIONS.iter().any(|known| known.eq_ignore_ascii_case(pragma_name))
                }
                // `PRAGMA table_list` opens views and virtual tables by itself: not here.
                AuthAction::Select | AuthAction::Read { .. } => allowed.load(Ordering::Relaxed),
                _ => false,
            };
            if good { Authorization::Allow } else { Authorization::Deny }
        }));
        Ok(Self { connection, reading })
    }

    /// Whether there is a table of this name; an error where it is none that is read.
    fn has(&self, table: &str) -> Result<bool, String> {
        self.reading.store(false, Ordering::Relaxed);
        let sql = format!("PRAGMA main.table_list({})", quoted(table));
        let kind = (|| {
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get::<_, String>("type")).transpose()
        })();
        match kind.map_err(words)?.as_deref() {
            None => Ok(false),
            Some("table") => Ok(true),
            Some(kind) => Err(format!(
                "`{table}` is a {kind} and no ordinary table, and is not read; write what it shows into a table"
            )),
        }
    }

    /// The columns of an ordinary table, with their declared types.
    fn columns(&self, table: &str) -> Result<Vec<(String, String, bool)>, String> {
        self.reading.store(false, Ordering::Relaxed);
        let sql = format!("PRAGMA main.table_xinfo({})", quoted(table));
        let read = || -> rusqlite::Result<Vec<_>> {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let primary = row.get::<_, i64>("pk")? > 0;
                let hidden: i64 = row.get("hidden")?;
                Ok((row.get::<_, String>("name")?, row.get::<_, String>("type")?, primary, hidden))
            })?;
            rows.collect()
        };
        let mut columns = Vec::new();
        for (name, declared, primary, hidden) in read().map_err(words)? {
            // 0 is a column as any, 2 and 3 are generated from others.
            if hidden != 0 {
                return Err(format!(
                    "the column `{name}` of `{table}` is generated, and is not read; write its values into a \
                     column of their own"
                ));
            }
            columns.push((name, declared, primary));
        }
        Ok(columns)
    }

    /// Rows of a table that is ordinary, by columns that it has.
    fn read<T>(
        &self,
        table: &str,
        columns: &[&str],
        mut row: impl FnMut(&rusqlite::Row<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let found = self.columns(table)?;
        if let Some(missing) =
            columns.iter().find(|c| !found.iter().any(|(name, ..)| name.eq_ignore_ascii_case(c)))
        {
            return Err(format!("`{table}` has no column `{missing}`"));
        }
        self.reading.store(true, Ordering::Relaxed);
        let list = columns.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {list} FROM main.{} NOT INDEXED", quoted(table));
        let mut statement = self.connection.prepare(&sql).map_err(words)?;
        let mut rows = statement.query([]).map_err(words)?;
        let mut read = Vec::new();
        while let Some(found) = rows.next().map_err(words)? {
            read.push(row(found)?);
        }
        Ok(read)
    }

    /// The one table with a geometry.
    fn layer(&self) -> Result<Layer, String> {
        const GEOMETRIES: &str = "gpkg_geometry_columns";
        let told = if self.has(GEOMETRIES)? {
            self.read(GEOMETRIES, &["table_name", "column_name", "srs_id"], |row| {
                let text = |at| row.get::<_, String>(at).map_err(words);
                Ok((text(0)?, text(1)?, row.get::<_, Option<i64>>(2).map_err(words)?.unwrap_or(0)))
            })?
        } else {
            Vec::new()
        };
        let mut layers = Vec::new();
        for (table, geometry, srs) in told {
            // A table that was dropped by a program that knows no GeoPackages.
            if self.has(&table)? {
                layers.push((table, geometry, srs));
            }
        }
        if layers.len() > 1 {
            let names: Vec<_> = layers.iter().map(|(table, ..)| table.as_str()).collect();
            return Err(format!("it has {} layers ({}); keep one", names.len(), names.join(", ")));
        }
        let Some((table, geometry, srs)) = layers.pop() else {
            return Err("it has no layer of geometries".to_owned());
        };
        let columns = self.columns(&table)?;
        let Some(at) = columns.iter().position(|(name, ..)| name.eq_ignore_ascii_case(&geometry)) else {
            return Err(format!("`{table}` has no column `{geometry}`"));
        };
        let keys = columns.iter().filter(|(.., primary)| *primary).count();
        let fields = columns.iter().enumerate().filter(|(k, (_, declared, primary))| {
            // The number of a feature in the file is none of its properties.
            let number = *primary && keys == 1 && declared.eq_ignore_ascii_case("INTEGER");
            *k != at && !number
        });
        let fields = fields.map(|(_, (name, declared, _))| (name.clone(), Field::of(declared))).collect();
        Ok(Layer { table, geometry, srs, fields })
    }

    /// The CRS of a number in the file; none where it is not defined.
    fn crs(&self, srs: i64) -> Result<Option<Crs>, String> {
        const SYSTEMS: &str = "gpkg_spatial_ref_sys";
        if srs <= 0 {
            return Ok(None);
        }
        if !self.has(SYSTEMS)? {
            return Err(format!("it has no table `{SYSTEMS}`, which tells its CRS"));
        }
        let columns = ["srs_id", "organization", "organization_coordsys_id", "definition"];
        let found = self.read(SYSTEMS, &columns, |row| {
            let text = |at| row.get::<_, Option<String>>(at).map_err(words);
            let whole = |at| row.get::<_, Option<i64>>(at).map_err(words);
            Ok((
                whole(0)?,
                text(1)?.unwrap_or_default(),
                whole(2)?.unwrap_or(0),
                text(3)?.unwrap_or_default(),
            ))
        })?;
        let found = found.into_iter().find(|(id, ..)| *id == Some(srs));
        let Some((_, organization, code, definition)) = found else {
            return Err(format!("its CRS {srs} is not in its table `{SYSTEMS}`"));
        };
        let by_code = (organization.eq_ignore_ascii_case("EPSG") && code > 0)
            .then(|| Crs::parse(&format!("EPSG:{code}")).ok())
            .flatten();
        by_code.map_or_else(|| Crs::parse(&definition), Ok).map(Some).map_err(|e| e.to_string())
    }

    fn rows(&self, layer: &Layer, name: &str, sink: &mut dyn RowSink) -> Result<(), IoError> {
        let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("as GPKG: {e}"));
        let columns: Vec<&str> = std::iter::once(layer.geometry.as_str())
            .chain(layer.fields.iter().map(|(name, _)| name.as_str()))
            .collect();
        let mut refused = None;
        let read = self.read(&layer.table, &columns, |row| {
            let geometry = match row.get_ref(0).map_err(words)? {
                ValueRef::Blob(blob) => geometry(blob).transpose(),
                ValueRef::Null => None,
                _ => Some(Err("its geometry is no blob".to_owned())),
            };
            let properties =
                layer.fields.iter().zip(1..).map(|((name, field), at)| {
                    Ok((name.clone(), field.value(row.get_ref(at).map_err(words)?)))
                });
            let properties = properties.collect::<Result<Vec<_>, String>>()?;
            sink.row(geometry, properties).map_err(|error| {
                refused = Some(error);
                String::new()
            })
        });
        match (refused, read) {
            (Some(error), _) => Err(error),
            (None, read) => read.map(drop).map_err(|e| fail(&e)),
        }
    }
}

/// The geometry of a GeoPackage: a head of its own, then well-known binary.
fn geometry(blob: &[u8]) -> Result<Option<geo::Geometry<f64>>, String> {
    let [b'G', b'P', _, flags, _, _, _, _, rest @ ..] = blob else {
        return Err("its geometry is not as in a GeoPackage".to_owned());
    };
    if flags & 0x20 != 0 {
        return Err("its geometry is of an extension, which is not read".to_owned());
    }
    let envelope = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err("its geometry has an envelope that is not known".to_owned()),
    };
    let body = rest.get(envelope..).ok_or("its geometry is cut off")?;
    if flags & 0x10 != 0 { Ok(None) } else { wkb::read(body) }
}

/// SQLite's words.
fn words(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text,
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
