"""A running `rededge serve` for clients: its release binary, a folder of its own, a small simulated county."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


class Server:
    """`rededge serve` on a free port of the loopback, with its own folder; ended by its pid."""

    def __init__(self, binary, folder, config, listen="127.0.0.1:0"):
        self.binary, self.folder, self.listen = binary, folder, listen
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rededge.toml").write_text(config)
        self.start()

    def start(self):
        """Starts it, again if it was stopped, and waits until it listens."""
        self.log = self.folder / "server.log"
        known = self.log.stat().st_size if self.log.exists() else 0
        command = [self.binary, "serve", "--listen", self.listen, "--data", self.folder / "store"]
        with self.log.open("ab") as log:
            command += ["--config", self.folder / "rededge.toml"]
            environment = os.environ | {"REDEDGE_LOG_FORMAT": "text"}
            self.process = subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 60
        while True:
            said = self.log.read_text(errors="replace")[known:]
            for line in said.splitlines():
                if line.startswith("listening on "):
                    self.url = line.removeprefix("listening on ").strip()
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server does not listen:\n{said}")
            time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture(scope="session")
def binary():
    """The release binary, or REDEDGE_BINARY."""
    path = pathlib.Path(os.environ.get("REDEDGE_BINARY", TARGET / "release" / "rededge"))
    assert path.is_file(), f"{path} is absent: run `cargo build --release`"
    return path


@pytest.fixture(scope="session")
def county(binary, tmp_path_factory):
    """A simulated county: items.json, samples-rice.geojson, samples-stress.geojson, mines.geojson, dem.tif."""
    folder = tmp_path_factory.mktemp("data") / "county"
    size = ["--width", "200", "--height", "200", "--dates", "12", "--seed", "7"]
    subprocess.run([binary, "simulate", folder, *size], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def offered(county):
    """What a configuration offers of the county by name: cube `county`, files `samples`, `mines` .."""
    files = {
        "samples": "samples-rice.geojson",
        "stress-samples": "samples-stress.geojson",
        "mines": "mines.geojson",
        "dem": "dem.tif",
        "truth-rice": "truth-rice.tif",
        "truth-stress": "truth-stress.tif",
    }
    lines = [f'[data.cubes]\ncounty = "{county}/items.json"\n[data.files]']
    return "\n".join(lines + [f'{name} = "{county}/{file}"' for name, file in files.items()]) + "\n"


@pytest.fixture(scope="session")
def serve(binary, tmp_path_factory):
    """Starts servers with a configuration (TOML) of their own; all are stopped at the end."""
    started = []

    def start(config="", **more):
        started.append(Server(binary, tmp_path_factory.mktemp("server"), config, **more))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server(serve, offered):
    """A server over the county, for all tests that change no configuration."""
    return serve("[jobs]\nworkers = 2\n" + offered)


@pytest.fixture(scope="session")
def rice_inputs():
    """Inputs of a small, real `rice-map`."""
    return {"cube": "county", "samples": "samples", "resolution": 10, "seed": 1}
