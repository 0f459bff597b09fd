//! The command line as a user calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn rededge() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rededge"))
}

/// Writes `inputs.json` into a folder and runs a process on it, results in `out`.
pub fn run(folder: &Path, process: &str, inputs: &Value, options: &[&str]) -> Output {
    std::fs::write(folder.join("inputs.json"), inputs.to_string()).unwrap();
    rededge()
        .args(["run", process])
        .arg(folder.join("inputs.json"))
        .arg("--out")
        .arg(folder.join("out"))
        .args(options)
        .output()
        .unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn echo_hands_its_inputs_back_as_files_and_lists_them() {
    let folder = folder();
    std::fs::write(folder.path().join("any.bin"), [0, 1, 255]).unwrap();
    let inputs = json!({"text": "hello", "list": [1, 2.5], "file": "any.bin"});
    let output = run(folder.path(), "echo", &inputs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let out = folder.path().join("out");
    assert_eq!(names(&out), ["file.bin", "list.json", "results.json", "text.json"]);
    assert_eq!(read_json(&out.join("list.json")), json!([1.0, 2.5]));
    assert_eq!(std::fs::read(out.join("file.bin")).unwrap(), [0, 1, 255]);
    let results = read_json(&out.join("results.json"));
    assert_eq!(results["text"], json!({"href": "text.json", "type": "application/json"}));
    assert!(output.stdout.is_empty());
    assert_eq!(stderr(&output).lines().filter(|l| l.starts_with('[')).count(), 1, "one line a step");
}

#[test]
fn an_execute_request_from_standard_input_chooses_its_outputs() {
    let folder = folder();
    let mut child = rededge()
        .args(["run", "echo", "-", "--quiet", "--out"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = json!({"inputs": {"text": {"value": "a"}, "number": 1}, "outputs": {"number": {}}});
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), request.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names(folder.path()), ["number.json", "results.json"]);
    assert!(stderr(&output).is_empty(), "quiet");
}

#[test]
fn inputs_on_the_command_line_stand_before_those_of_the_file() {
    let folder = folder();
    let inputs = json!({"text": "from the file", "number": 1});
    let output = run(folder.path(), "echo", &inputs, &["--set", "number=2.5", "-s", "text=a=b"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(read_json(&folder.path().join("out/number.json")), json!(2.5));
    assert_eq!(read_json(&folder.path().join("out/text.json")), json!("a=b"));
    let output = run(folder.path(), "echo", &inputs, &["--set", "number"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("NAME=VALUE"), "{}", stderr(&output));
}

#[test]
fn a_training_that_was_killed_goes_on_from_what_it_kept() {
    let folder = folder();
    let mut table = String::from("class");
    (1..=9).for_each(|month| table.push_str(&format!(",NDRE@2022-0{month}-05")));
    for row in 0..90 {
        let stressed = row % 2 == 0;
        table.push_str(if stressed { "\nstressed-rice" } else { "\nunstressed-rice" });
        for month in 1..=9 {
            let top = if stressed { 0.3 } else { 0.45 } + f64::from(row % 7) * 0.02;
            table.push_str(&format!(",{:.4}", 0.2 + top * (f64::from(month) * 0.33).sin()));
        }
    }
    std::fs::write(folder.path().join("series.csv"), table).unwrap();
    let inputs = json!({
        "samples": "series.csv", "indices": ["NDRE"], "timeGrid": {"step": 15}, "seed": 3,
        "validation": {"by": "holdout"},
        "parameters": {"hidden": 8, "dense": 4, "epochs": 150, "batch": 30, "patience": 0}
    });
    let keep = folder.path().join("keep");
    std::fs::write(folder.path().join("inputs.json"), inputs.to_string()).unwrap();
    let mut child = rededge()
        .args(["run", "train-stress"])
        .arg(folder.path().join("inputs.json"))
        .args([Path::new("--out"), &folder.path().join("out"), Path::new("--keep"), &keep])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    // What was being written when the process was killed is a hidden file beside it.
    let kept = || names(&keep).into_iter().filter(|n| !n.starts_with('.')).collect::<Vec<_>>();
    while kept().is_empty() && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(kept(), ["validation--test.checkpoint"]);
    let resumed = run(folder.path(), "train-stress", &inputs, &["--keep", &keep.to_string_lossy()]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let of_resumed = std::fs::read(folder.path().join("out/model.json")).unwrap();
    let whole = run(folder.path(), "train-stress", &inputs, &[]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    assert!(of_resumed == std::fs::read(folder.path().join("out/model.json")).unwrap());
    let card = std::fs::read_to_string(folder.path().join("out/modelCard.md")).unwrap();
    assert!(card.contains("not a soil test") && card.contains("Region**: unknown"), "{card}");
}

#[test]
fn a_wrong_member_is_named_by_its_path_and_nothing_is_written() {
    let folder = folder();
    let cases = [
        ("echo", json!({"text": "a", "lst": []}), "input `lst`: unknown member; did you mean `list`?"),
        ("echo", json!({"list": []}), "input `text`: is required"),
        (
            "echo",
            json!({"text": "a", "list": [1, "b"]}),
            "input `list[1]`: expected a number, found the text",
        ),
        ("echo", json!({"text": "a", "choice": "four"}), "input `choice`: unknown value `four`"),
        ("echo", json!({"text": "a", "bbox": {"bbox": [1, 2, 3]}}), "input `bbox.bbox`"),
        ("echo", json!({"text": "a", "file": {"href": 3}}), "input `file.href`: expected a text"),
        ("echo", json!({"text": "a", "file": "none.bin"}), "input `file`: "),
        ("echo", json!({"inputs": {"text": "a"}, "outputs": {"txt": {}}}), "input `outputs.txt`"),
        ("echo", json!({"inputs": {"text": "a"}, "output": {}}), "input `output`: unknown member"),
        (
            "index-series",
            json!({"cube": [{"href": "a", "patern": "b"}], "features": "c"}),
            "input `cube[0].patern`",
        ),
        ("index-series", json!({"cube": "a", "features": "b", "indices": ["NDXX"]}), "input `indices[0]`"),
        ("index-series", json!({"cube": "a", "features": "b", "dates": "2022-1-1/.."}), "input `dates`"),
        ("assess-accuracy", json!({"map": "none.tif", "samples": "none.geojson"}), "input `map`: "),
    ];
    for (process, inputs, expected) in cases {
        let output = run(folder.path(), process, &inputs, &[]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{inputs}: {told}");
        assert!(told.contains(expected), "{inputs}: {told}");
        assert_eq!(names(folder.path()), ["inputs.json"], "{inputs}");
    }
}

#[test]
fn what_is_not_there_or_not_json_is_bad_input() {
    let folder = folder();
    let output = run(folder.path(), "rise-map", &json!({}), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no process `rise-map`"), "{}", stderr(&output));
    let output = run(folder.path(), "ecoh", &json!({}), &[]);
    assert!(stderr(&output).contains("did you mean `echo`?"), "{}", stderr(&output));
    let output = rededge().args(["run", "echo", "/no/such/file.json", "--out", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/no/such/file.json"), "{}", stderr(&output));
    std::fs::write(folder.path().join("bad.json"), "{\n\"text\": }").unwrap();
    let output = rededge()
        .args(["run", "echo"])
        .arg(folder.path().join("bad.json"))
        .args(["--out", "x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("line 2"), "{}", stderr(&output));
    let output = rededge().args(["run", "echo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "missing arguments");
}

#[test]
fn json_logs_are_json_line_by_line_errors_too() {
    let folder = folder();
    let good = run(folder.path(), "echo", &json!({"text": "a"}), &["--log-format", "json"]);
    let bad = run(folder.path(), "echo", &json!({}), &["--log-format", "json"]);
    for output in [&good, &bad] {
        for line in stderr(output).lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(event["level"].is_string() && event["message"].is_string(), "{line}");
        }
    }
    assert!(stderr(&good).lines().last().unwrap().contains("results.json"));
    assert!(stderr(&bad).contains("input `text`: is required"));
}

/// Starts an echo that pauses, waits for its step, sends signals, and returns its output.
fn interrupt(folder: &Path, signals: &[&str]) -> Output {
    std::fs::write(folder.join("inputs.json"), json!({"text": "a", "pause": 60}).to_string()).unwrap();
    let child = rededge()
        .args(["run", "echo"])
        .arg(folder.join("inputs.json"))
        .arg("--out")
        .arg(folder.join("out"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while names(&folder.join("out")).iter().all(|n| !n.starts_with(".rededge-")) {
        assert!(start.elapsed() < Duration::from_secs(20), "the run does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    for signal in signals {
        let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(25), "it stops soon");
    output
}

#[test]
fn ctrl_c_and_a_termination_leave_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let folder = folder();
        let output = interrupt(folder.path(), &[signal]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("cancelled, nothing was written"), "{}", stderr(&output));
        assert_eq!(names(folder.path()), ["inputs.json"], "the folder it made is gone");
    }
}

#[test]
fn a_second_ctrl_c_stops_at_once_and_leaves_nothing_half_written() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(folder.path().join("out/text.json"), "old").unwrap();
    let output = interrupt(folder.path(), &["-INT", "-INT"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(names(&folder.path().join("out")), ["text.json"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("out/text.json")).unwrap(), "old");
}

#[test]
fn a_full_disk_is_told_with_the_file_and_leaves_what_was_there() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(folder.path().join("out/file.bin"), "old").unwrap();
    std::fs::write(folder.path().join("big.bin"), vec![7u8; 4 << 20]).unwrap();
    let inputs = json!({"text": "a", "file": "big.bin"});
    std::fs::write(folder.path().join("inputs.json"), inputs.to_string()).unwrap();
    // A limit on the size of files fails writes in the same place as a disk without space.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1024; exec '{}' run echo inputs.json --out out",
        env!("CARGO_BIN_EXE_rededge")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot write out/file.bin"), "{}", stderr(&output));
    assert_eq!(names(&folder.path().join("out")), ["file.bin"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("out/file.bin")).unwrap(), "old");
}

#[test]
fn describe_lists_and_describes_every_process() {
    let text = |arguments: &[&str]| {
        let output = rededge().arg("describe").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let list: Value = serde_json::from_str(&text(&["--json"])).unwrap();
    for process in list["processes"].as_array().unwrap() {
        let id = process["id"].as_str().unwrap();
        assert!(text(&[]).contains(id));
        let full: Value = serde_json::from_str(&text(&[id, "--json"])).unwrap();
        assert_eq!(full["title"], process["title"]);
        for name in full["inputs"].as_object().unwrap().keys() {
            assert!(text(&[id]).contains(&format!("  {name}: ")), "{id} {name}");
        }
    }
    let output = rededge().args(["describe", "ecco"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("did you mean `echo`?"));
}

#[test]
fn descriptions_stay_as_clients_know_them() {
    for process in rededge::process::registry() {
        let mut description = process.describe();
        description.summary.version = "[version]";
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(format!("describe-{}", process.id()), description);
        });
    }
}

fn data(name: &str) -> Option<PathBuf> {
    crate::shared_data().map(|d| d.join(name)).filter(|d| d.is_dir())
}

#[test]
fn index_series_writes_a_table_that_is_read_back_and_a_figure() {
    let Some(data) = data("zhuzhou-sim-2019") else { return };
    let folder = folder();
    let inputs = json!({
        "cube": data.join("items.json"), "features": data.join("samples-rice.geojson"),
        "indices": ["NDRE", "REP"], "dates": "2019-05-01/2019-07-31"
    });
    let output = run(folder.path(), "index-series", &inputs, &["--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let out = folder.path().join("out");
    assert_eq!(names(&out), ["figure.svg", "results.json", "table.csv"]);
    let table =
        rededge::io::series_csv::parse("table.csv", &std::fs::read(out.join("table.csv")).unwrap()).unwrap();
    assert_eq!((table.rows(), table.series.len()), (1500, 2));
    // The red edge position of soil and water is anywhere; that of leaves is about 720 nm.
    let mut positions: Vec<f32> = table.series[1].values.iter().copied().filter(|v| v.is_finite()).collect();
    positions.sort_by(f32::total_cmp);
    assert!((710.0..735.0).contains(&positions[positions.len() / 2]));
    let svg = std::fs::read_to_string(out.join("figure.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("double-rice (n = 500)") && svg.contains("REP (nm)"));
    // One thread gives the same bytes.
    let again = folder.path().join("again");
    std::fs::create_dir(&again).unwrap();
    run(&again, "index-series", &inputs, &["--threads", "1"]);
    assert_eq!(
        std::fs::read(out.join("table.csv")).unwrap(),
        std::fs::read(again.join("out/table.csv")).unwrap()
    );
}

#[test]
fn a_map_is_held_against_samples_and_against_a_reference_map() {
    let Some(data) = data("zhuzhou-sim-2019") else { return };
    let folder = folder();
    let inputs = json!({"map": data.join("truth-rice.tif"), "samples": data.join("samples-rice.geojson")});
    let output = run(folder.path(), "assess-accuracy", &inputs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let accuracy = read_json(&folder.path().join("out/accuracy.json"));
    assert_eq!(accuracy["classes"], json!(["single-rice", "double-rice", "non-rice"]));
    assert_eq!(accuracy["overall"], 1.0, "{accuracy:#}");
    assert_eq!(accuracy["areaAdjusted"]["mappedHa"].as_object().unwrap().len(), 3);

    let inputs = json!({
        "map": data.join("truth-rice.tif"), "samples": data.join("truth-rice.tif"),
        "mask": data.join("truth-testmask.tif"), "classes": ["single-rice", "double-rice", "non-rice"]
    });
    let output = run(folder.path(), "assess-accuracy", &inputs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let accuracy = read_json(&folder.path().join("out/accuracy.json"));
    let counted: u64 = accuracy["matrix"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|r| r.as_array().unwrap())
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!((accuracy["kappa"].as_f64(), counted < 90_000), (Some(1.0), true));
}
