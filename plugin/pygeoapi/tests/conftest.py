"""The real pygeoapi before a real rededge, both on loopback. The rededge is that of `tests/clients`."""

import importlib.util
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import requests
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

_spec = importlib.util.spec_from_file_location("clients", ROOT / "tests" / "clients" / "conftest.py")
clients = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clients)
binary, county, offered, serve = clients.binary, clients.county, clients.offered, clients.serve
server, rice_inputs = clients.server, clients.rice_inputs


class PyGeoApi:
    """pygeoapi with the sample configuration, changed where a test says so."""

    def __init__(self, folder, manager, resources=None, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = yaml.safe_load((HERE.parent / "example-config.yml").read_text())
        config["server"].update(bind={"host": "127.0.0.1", "port": port}, url=self.url)
        if manager.get("name"):
            config["server"]["manager"] = manager
        else:
            config["server"]["manager"].update(manager)
        config["resources"] = resources or config["resources"]
        (folder / "config.yml").write_text(yaml.safe_dump(config))
        self.openapi = folder / "openapi.yml"
        self.environment = {
            **{k: v for k, v in os.environ.items() if k != "REDEDGE_KEY"},
            "PYGEOAPI_CONFIG": str(folder / "config.yml"),
            "PYGEOAPI_OPENAPI": str(self.openapi),
            **environment,
        }
        self.command = [str(pathlib.Path(sys.executable).with_name("pygeoapi"))]
        wrote = self.run("openapi", "generate", str(folder / "config.yml"), "--output-file", str(self.openapi))
        assert wrote.returncode == 0, wrote.stdout + wrote.stderr
        self.log = folder / "pygeoapi.log"
        # The application that `pygeoapi serve` runs, without its debugger and its second process.
        serve = [sys.executable, "-m", "flask", "--app", "pygeoapi.flask_app:APP", "run", "--port", str(port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(serve, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while True:
            try:
                requests.get(self.url, timeout=60)
                return
            except requests.ConnectionError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def run(self, *arguments):
        """pygeoapi's command line."""
        return subprocess.run(
            [*self.command, *arguments], env=self.environment, capture_output=True, text=True, timeout=120
        )

    def get(self, path, **more):
        return requests.get(self.url + path, timeout=60, **more)

    def execute(self, process, inputs, headers=None, **more):
        body = {"inputs": inputs, **more}
        path = f"{self.url}/processes/{process}/execution"
        return requests.post(path, json=body, headers=headers, timeout=120)

    def start(self, process, inputs, headers=None, **more):
        """Starts a job; its id."""
        answer = self.execute(process, inputs, {"Prefer": "respond-async", **(headers or {})}, **more)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    def until(self, job, states):
        """The job once it is in one of these states, and every progress that was seen on the way."""
        deadline, seen = time.monotonic() + 120, []
        while True:
            told = self.get(f"/jobs/{job}?f=json").json()
            seen.append(told["progress"])
            if told["status"] in states:
                return told, seen
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """Starts pygeoapis; all are stopped at the end."""
    started = []

    def start(manager, resources=None, **environment):
        started.append(PyGeoApi(tmp_path_factory.mktemp("pygeoapi"), manager, resources, **environment))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def pygeoapi(host, server):
    """One before the server of all tests that change no configuration."""
    return host({"url": server.url})
