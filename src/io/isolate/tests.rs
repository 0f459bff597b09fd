//! What a child may not do, and what becomes of one that tries. The program of the children is that of
//! these tests: [`child`] serves where it is started as one.

use std::ffi::OsString;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::*;

/// Something that a child must not be able to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Misuse {
    Allocate,
    Spin,
    Sleep,
    Abort,
    Nest,
    ReadFile(PathBuf),
    WriteFile(PathBuf),
    FillDisk,
    Connect,
    StartProgram,
    Environment,
}

impl Misuse {
    /// Tries it, and tells what came of it.
    pub fn attempt(&self) -> String {
        fn depth(left: u64) -> u64 {
            if left == 0 { 0 } else { std::hint::black_box(depth(std::hint::black_box(left - 1))) + 1 }
        }
        let told = |done: io::Result<()>| done.map_or_else(|e| e.kind().to_string(), |()| "done".into());
        match self {
            Self::Allocate => {
                let mut all = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            Self::Spin => loop {
                std::hint::black_box(0);
            },
            Self::Sleep => {
                std::thread::sleep(Duration::from_mins(10));
                "done".to_owned()
            }
            Self::Abort => std::process::abort(),
            Self::Nest => depth(u64::MAX).to_string(),
            Self::ReadFile(path) => told(std::fs::read(path).map(drop)),
            Self::WriteFile(path) => told(std::fs::write(path, "x")),
            Self::FillDisk => {
                let full = File::create("full").and_then(|file| {
                    let block = vec![0; 1 << 20];
                    (0..4096).try_for_each(|_| io::Write::write_all(&mut &file, &block))
                });
                told(full)
            }
            Self::Connect => told(std::net::TcpStream::connect("127.0.0.1:9").map(drop)),
            Self::StartProgram => told(Command::new("/bin/true").status().map(drop)),
            Self::Environment => std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().join(" "),
        }
    }
}

#[test]
fn child() {
    let folder = std::env::args_os().skip_while(|a| a != COMMAND).nth(1);
    if let Some(folder) = folder {
        std::process::exit(child::main(Some(Path::new(&folder))));
    }
}

fn reader(megabytes: u64, seconds: u64) -> Reader {
    let arguments = ["--exact", "io::isolate::tests::child", "--nocapture", "--test-threads=1"];
    read_by(std::env::current_exe().unwrap(), arguments.map(OsString::from));
    Reader::new(Limits { memory: megabytes << 20, time: Duration::from_secs(seconds), raster: 1 << 20 })
}

fn attempt(reader: &Reader, misuse: Misuse) -> Result<String, ReadError> {
    reader.ask(None, Task::Misuse(misuse), 64 << 20, Decoder::text)
}

#[test]
fn a_child_reads_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.csv");
    std::fs::write(&path, "lon,lat,name\n113.1,27.9,a\n,,b\n").unwrap();
    let reader = reader(512, 60);
    let read = reader.features("the value", &path, VectorFormat::Csv).unwrap();
    assert_eq!(read, super::super::vectors::read(&path).unwrap());
    let rows = reader.mines("the value", &path, VectorFormat::Csv, None).unwrap().unwrap();
    assert_eq!(rows, super::super::vector_rows::read(&path, None).unwrap());
    assert_eq!(reader.series("the value", &path).unwrap(), None);
    std::fs::write(&path, "x,y\n700000,3090000\n").unwrap();
    let error = reader.mines("the value", &path, VectorFormat::Csv, None).unwrap().unwrap_err();
    assert!(matches!(error, RowsError::NoLonLat { row: 2, .. }), "{error}");
    let rows = reader.mines("the value", &path, VectorFormat::Csv, Some("EPSG:32649")).unwrap().unwrap();
    assert_eq!(rows.rows, [2]);
    std::fs::write(&path, "id,NDRE@2022-07-05\n1,0.25\n").unwrap();
    let series = reader.series("the value", &path).unwrap().unwrap();
    assert_eq!(series.series[0].values, [0.25]);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left behind: {left:?}");
}

#[test]
fn limits_of_memory_time_and_disk_end_the_child_and_are_named() {
    let small = reader(256, 60);
    for (reader, misuse, words) in [
        (&small, Misuse::Allocate, "more than 256 MB of memory (`reader.memory_megabytes`)"),
        (&reader(256, 1), Misuse::Spin, "longer than 1 s (`reader.seconds`)"),
        (&reader(256, 1), Misuse::Sleep, "longer than 1 s (`reader.seconds`)"),
        (&small, Misuse::FillDisk, "unpacks to more than 64 MB"),
    ] {
        let told = format!("{misuse:?}");
        let error = attempt(reader, misuse).unwrap_err();
        assert!(matches!(&error, ReadError::Limit(t) if t.contains(words)), "{told}: {error}");
    }
}

#[test]
fn a_child_that_crashes_is_an_error_of_the_file() {
    let reader = reader(256, 60);
    let error = attempt(&reader, Misuse::Abort).unwrap_err();
    assert!(matches!(&error, ReadError::File(t) if t.contains("signal 6")), "{error}");
    let error = attempt(&reader, Misuse::Nest).unwrap_err();
    assert_eq!(error, ReadError::File("it is nested too deep".to_owned()));
}

#[test]
fn a_child_is_ended_where_nobody_waits_any_more() {
    let stopped = Arc::<AtomicBool>::default();
    let asked = stopped.clone();
    let reader = reader(256, 600).stopping(Arc::new(move || asked.load(Ordering::Relaxed)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| attempt(&reader, Misuse::Spin));
        std::thread::sleep(Duration::from_millis(300));
        let since = Instant::now();
        stopped.store(true, Ordering::Relaxed);
        assert_eq!(waiting.join().unwrap(), Err(ReadError::Stopped));
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_opens_no_other_file_no_connection_and_no_program() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("keys.toml");
    std::fs::write(&secret, "ann = \"secret\"").unwrap();
    let reader = reader(256, 60);
    let guard = reader.guard().unwrap();
    assert!(guard.calls, "seccomp is in every kernel that these tests run on");
    for misuse in [Misuse::Connect, Misuse::StartProgram] {
        assert_eq!(attempt(&reader, misuse).unwrap(), "permission denied");
    }
    let files = [
        Misuse::ReadFile(secret.clone()),
        Misuse::ReadFile("/etc/passwd".into()),
        Misuse::ReadFile(format!("/proc/{}/environ", std::process::id()).into()),
        Misuse::WriteFile(folder.path().join("new")),
        Misuse::WriteFile(secret),
    ];
    for misuse in files {
        let what = format!("{misuse:?}");
        let told = attempt(&reader, misuse).unwrap();
        // Of kernels without Landlock the trial says so.
        assert_eq!(told == "permission denied", guard.files, "{what}: {told}");
    }
    let names = attempt(&reader, Misuse::Environment).unwrap();
    let of_server = ["PATH", "HOME", "CARGO_MANIFEST_DIR"];
    let inherited = names.split(' ').find(|name| of_server.contains(name));
    assert!(names.contains("GDAL_PAM_ENABLED") && inherited.is_none(), "{names}");
}

#[test]
fn a_raster_is_written_anew_with_its_values_and_what_it_says_of_them() {
    use gdal::raster::Buffer;
    use gdal::{DriverManager, Metadata};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.tif");
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut made = driver.create_with_band_type::<i16, _>(&path, 300, 200, 2).unwrap();
    made.set_geo_transform(&[7e5, 10.0, 0.0, 3.09e6, 0.0, -10.0]).unwrap();
    made.set_spatial_ref(&gdal::spatial_ref::SpatialRef::from_epsg(32649).unwrap()).unwrap();
    for k in 1..=2 {
        let mut band = made.rasterband(k).unwrap();
        let values = (0..60_000).map(|i| (i * k as i32 % 3001 - 5) as i16).collect();
        band.write((0, 0), (300, 200), &mut Buffer::new((300, 200), values)).unwrap();
        band.set_no_data_value(Some(-5.0)).unwrap();
        band.set_scale(0.5).unwrap();
        band.set_description(&format!("band {k}")).unwrap();
    }
    made.close().unwrap();
    let before = gdal::Dataset::open(&path).unwrap();
    let reader = reader(512, 60);
    reader.raster(&path).unwrap();
    let after = gdal::Dataset::open(&path).unwrap();
    assert_eq!(after.geo_transform().unwrap(), before.geo_transform().unwrap());
    assert_eq!(after.raster_count(), 2);
    for k in 1..=2 {
        let (old, new) = (before.rasterband(k).unwrap(), after.rasterband(k).unwrap());
        assert_eq!(new.block_size(), (256, 256));
        assert_eq!((new.no_data_value(), new.scale()), (Some(-5.0), Some(0.5)));
        assert_eq!(new.description().unwrap(), format!("band {k}"));
        let all = |band: &gdal::raster::RasterBand| band.read_band_as::<i16>().unwrap();
        assert_eq!(all(&old).data(), all(&new).data());
    }
    let cut = std::fs::read(&path).unwrap();
    std::fs::write(&path, &cut[..cut.len() / 2]).unwrap();
    assert!(matches!(reader.raster(&path), Err(ReadError::File(_))), "cut off");
    let large = driver.create_with_band_type::<u8, _>(&path, 4096, 4096, 1).unwrap();
    large.close().unwrap();
    let error = reader.raster(&path).unwrap_err().to_string();
    assert!(error.contains("16 MB") && error.contains("reader.raster_megabytes"), "{error}");
}
