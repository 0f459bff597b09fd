"""The scripts of `examples/`, as their readers would start them, and the pictures that they leave."""

import json
import subprocess
import sys

from conftest import ROOT
from matplotlib import pyplot

ZONES = {"stressMap": "truth-stress", "mines": "mines"}


def run(script, *arguments):
    command = [sys.executable, ROOT / "examples" / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env={"MPLBACKEND": "Agg"})


def share(picture, wanted):
    """Share of a picture's pixels that have a colour, near enough."""
    pixels = pyplot.imread(picture)[..., :3]
    near = abs(pixels - [int(wanted[i : i + 2], 16) / 255 for i in (1, 3, 5)]).max(axis=2) < 0.02
    return near.mean()


def test_plain_http_plots_the_zones(server, tmp_path):
    inputs, picture = tmp_path / "inputs.json", tmp_path / "zones.png"
    inputs.write_text(json.dumps(ZONES))
    done = run("plain_http.py", server.url, "stress-zones", inputs, "--plot", picture)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 %" in done.stdout and " zones; see " in done.stdout, done.stdout
    assert share(picture, "#d7301f") > 0.002 and share(picture, "#252525") > 0.0002


def test_owslib_plots_the_zones(server, tmp_path):
    picture = tmp_path / "zones.png"
    given = ["--stress-map", ZONES["stressMap"], "--mines", ZONES["mines"]]
    done = run("owslib_wps.py", f"{server.url}/wps", *given, "--plot", picture)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " zones; see " in done.stdout, done.stdout
    assert share(picture, "#2171b5") > 0.0002


def test_what_the_server_has_against_a_request_ends_them(server, tmp_path):
    inputs = tmp_path / "inputs.json"
    inputs.write_text(json.dumps({**ZONES, "mines": "no-such-mines"}))
    done = run("plain_http.py", server.url, "stress-zones", inputs, "--plot", tmp_path / "none.png")
    assert done.returncode == 1 and "input `mines`" in done.stderr, done.stdout + done.stderr
    given = ["--stress-map", "no-such-map", "--mines", "mines", "--plot", tmp_path / "none.png"]
    done = run("owslib_wps.py", f"{server.url}/wps", *given)
    assert done.returncode == 1 and "stressMap" in done.stderr, done.stdout + done.stderr
    assert not (tmp_path / "none.png").exists()
