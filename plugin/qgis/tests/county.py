# SPDX-License-Identifier: GPL-2.0-or-later
"""A simulated county and servers that offer it, by the project's own binary."""

import os
import subprocess
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("REDEDGE") or str(ROOT / "target" / "release" / "rededge")
#: The same program with one process more: ``examples/own_process.rs``.
OWN = Path(BINARY).parent / "examples" / "own_process"
#: Small enough for a minute, large enough for zones beside mines.
SIZE = ["--width", "220", "--height", "220", "--dates", "20", "--seed", "7"]


def simulate(folder):
    """Writes the county."""
    subprocess.run([BINARY, "simulate", str(folder), *SIZE], check=True, capture_output=True)
    return Path(folder)


class Server:
    """A server on loopback that ends with its ``with``."""

    def __init__(self, home, county=None, name="County", more="", program=BINARY):
        self.home = Path(home)
        self.name = name
        self.program = program
        self.config = self.home / "rededge.toml"
        data = ""
        if county:
            names = {"mines": "mines.geojson", "rice-samples": "samples-rice.geojson"}
            files = "".join(f'{name} = "{county / file}"\n' for name, file in names.items())
            data = f'[data.cubes]\ncounty-2019 = "{county / "items.json"}"\n[data.files]\n{files}'
        self.config.write_text(f"{more}\n{data}")
        self.child = None
        self.url = ""

    def __enter__(self):
        self.start("127.0.0.1:0")
        return self

    def start(self, listen):
        """Starts the server, and reads where it listens."""
        command = [str(self.program), "serve", "--listen", listen, "--data", str(self.home / "store")]
        command += ["--config", str(self.config)]
        environment = os.environ | {"REDEDGE_LOG_FORMAT": "text"}
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        for line in self.child.stderr:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                break
        assert self.url, "the server says where it listens"
        Thread(target=self.child.stderr.read, daemon=True).start()

    def stop(self):
        """Ends the server."""
        self.child.terminate()
        self.child.wait(30)

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.stop()


def qgis_process(*arguments):
    """Runs QGIS's command line in the profile of the tests."""
    command = [*qgis_process.command, *arguments]
    environment = {**os.environ, "QGIS_PLUGINPATH": str(ROOT / "plugin" / "qgis")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# Debian's wrapper adds an option that only the window knows.
qgis_process.command = [
    "/usr/bin/qgis_process.bin" if os.path.exists("/usr/bin/qgis_process.bin") else "qgis_process"
]
