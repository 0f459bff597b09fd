//! The configuration: what is printed, what is refused, what requests may name.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::server::Server;

fn rededge(arguments: &[&str], folder: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rededge"));
    command.args(arguments).current_dir(folder).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn the_effective_configuration_is_printed_without_secrets() {
    let home = tempfile::tempdir().unwrap();
    let file = "title = \"Maps\"\n[keys]\nann = \"a-very-secret-key-1\"\n[jobs]\nworkers = 2\n";
    std::fs::write(home.path().join("rededge.toml"), file).unwrap();
    let environment = [
        ("REDEDGE_JOBS_WAITING", "7"),
        ("REDEDGE_KEYS", "bob=a-very-secret-key-2"),
        ("REDEDGE_LOG_LEVEL", ""),
    ];
    let printed = rededge(&["config", "--listen", "127.0.0.1:9"], home.path(), &environment);
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.status.success());
    assert!(!text.contains("secret"), "{text}");
    for line in [
        "# keys (not shown): ann, bob",
        "title = \"Maps\"",
        "workers = 2",
        "waiting = 7",
        "listen = \"127.0.0.1:9\"",
        "level = \"info\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    // What is printed is a configuration.
    std::fs::write(home.path().join("again.toml"), &text).unwrap();
    assert!(rededge(&["config", "--config", "again.toml"], home.path(), &[]).status.success());
}

#[test]
fn what_cannot_work_is_refused_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();
    for (text, environment, said) in [
        ("[jobs]\nworker = 1\n", ("A", ""), "rededge.toml: line 2: unknown field `worker`"),
        ("[keys]\nann = \"hush\"\n", ("A", ""), "a key has at least 16 characters"),
        ("", ("REDEDGE_JOBS_WORKERS", "many"), "REDEDGE_JOBS_WORKERS: `many` is no whole number"),
        ("listen = \"0.0.0.0:0\"\n", ("A", ""), "off loopback the server asks for keys"),
        ("keys_file = \"gone.toml\"\n", ("A", ""), "cannot read"),
        ("[log]\nlevel = \"loud=very\"\n", ("A", ""), "log.level"),
        (
            "[oidc]\nissuer = \"https://a.example\"\naudience = \"b\"\njwks = \"gone.json\"\n",
            ("A", ""),
            "oidc.jwks",
        ),
    ] {
        std::fs::write(home.path().join("rededge.toml"), text).unwrap();
        let refused = rededge(&["serve", "--data", "store"], home.path(), &[environment]);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{error}");
        assert!(error.contains(said) && !error.contains("hush"), "{error}");
    }
}

#[test]
fn off_loopback_the_server_asks_for_keys() {
    let home = tempfile::tempdir().unwrap();
    // By hash and from a file, so that no secret stands in the configuration.
    // printf %s 0123456789abcdef | sha256sum
    let hash = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    std::fs::write(home.path().join("keys.toml"), "bob = \"0123456789abcdef-bob\"\n").unwrap();
    let config = format!("keys_file = \"keys.toml\"\n[keys]\nann = \"sha256:{hash}\"\n");
    let open = rededge(&["serve", "--listen", "0.0.0.0:0", "--data", "store"], home.path(), &[]);
    let error = String::from_utf8(open.stderr).unwrap();
    assert!(
        open.status.code() == Some(2) && error.contains("off loopback the server asks for keys"),
        "{error}"
    );
    let server = Server::start(home.path(), &config);
    assert_eq!(server.get("/jobs").0, 401);
    for (header, value, status) in [
        ("Authorization", "Bearer 0123456789abcdef", 200),
        ("Authorization", "bearer 0123456789abcdef-bob", 200),
        ("X-API-Key", "0123456789abcdef-bob", 200),
        ("X-API-Key", hash, 401),
        ("X-API-Key", "0123456789abcdeF", 401),
        ("Authorization", "Basic 0123456789abcdef", 401),
        ("Authorization", "Bearer ", 401),
    ] {
        assert_eq!(server.call("GET", "/jobs", &[(header, value)], "").0, status, "{header}: {value}");
    }
}

#[test]
fn offered_data_is_listed_by_kind_at_the_inputs_that_take_it() {
    let home = tempfile::tempdir().unwrap();
    let point = json!({"type": "Point", "coordinates": [113.0, 27.9]}).to_string();
    std::fs::create_dir(home.path().join("shared")).unwrap();
    for name in
        ["mines.geojson", "other.geojson", "rice.json", "shared/county.geojson", "shared/.hidden.geojson"]
    {
        std::fs::write(home.path().join(name), &point).unwrap();
    }
    let config = "[data.mines]\nhunan = \"mines.geojson\"\n[data.models]\nrice = \"rice.json\"\n\
                  [data.files]\nother = \"other.geojson\"\n[data.folders]\nshared = \"shared\"\n\
                  [data.cubes]\nscenes = \"shared\"\n";
    let server = Server::start(home.path(), config);
    let offered = |process: &str, input: &str| {
        server.get(&format!("/processes/{process}")).1["inputs"][input]["schema"]["x-offered"].clone()
    };
    assert_eq!(offered("mine-heatmap", "mines"), json!(["hunan", "other", "shared/county.geojson"]));
    assert_eq!(offered("stress-map", "riceModel"), json!(["rice", "other", "shared/county.geojson"]));
    assert_eq!(offered("rice-map", "cube"), json!(["scenes", "shared/county.geojson"]));
    assert!(offered("mine-heatmap", "bandwidth").is_null());
    for mines in ["hunan", "other", "shared/county.geojson"] {
        let (status, _, answer) = server.execute("mine-heatmap", "", &json!({"inputs": {"mines": mines}}));
        assert_eq!(status, 200, "{mines}: {answer}");
    }
    for mines in ["shared/.hidden.geojson", "shared/../rice.json", "shared", "gone"] {
        let (status, _, answer) = server.execute("mine-heatmap", "", &json!({"inputs": {"mines": mines}}));
        assert_eq!(status, 400, "{mines}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains("hunan, other"), "{answer}");
    }
}
