"""rededge by plain HTTP: start a job, follow it, read its zones into geopandas, plot them.

    pip install requests geopandas matplotlib
    python examples/plain_http.py http://127.0.0.1:8080 monitor inputs.json --plot zones.png

`inputs.json` holds inputs of `monitor`, `stress-zones` or any other process with an output `zones`:

    {"cube": "county", "riceSamples": "samples", "samples": "stress-samples", "mines": "mines"}

The names are those that the server offers (its `rededge.toml`). REDEDGE_KEY holds a key where one is asked for.
"""

import argparse
import io
import json
import os
import sys
import time

import geopandas
import requests
from matplotlib import pyplot

COLOURS = {"stressed": "#d7301f", "mines": "#252525"}


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="address of a rededge")
    parser.add_argument("process", help="a process with an output `zones`")
    parser.add_argument("inputs", type=argparse.FileType(), help="its inputs, a JSON file")
    parser.add_argument("--plot", default="zones.png", help="where the picture goes")
    return parser.parse_args()


def client():
    """A session that sends the key, where there is one."""
    session = requests.Session()
    if key := os.environ.get("REDEDGE_KEY"):
        session.headers["Authorization"] = f"Bearer {key}"
    return session


def ask(session, method, address, **more):
    """A call; what the server has against it ends the program."""
    answer = session.request(method, address, timeout=30, **more)
    if not answer.ok:
        problem = answer.json()
        sys.exit(f"{problem.get('input', address)}: {problem.get('detail', problem['title'])}")
    return answer


def follow(session, job):
    """Waits for a job, and says what it is at."""
    said = None
    while True:
        status = ask(session, "GET", job).json()
        line = f"{status['progress']:3} %  {status['message']}"
        if line != said:
            print(line, flush=True)
            said = line
        if status["status"] not in ("accepted", "running"):
            return status
        time.sleep(0.5)


def plot(zones, mines, path):
    """Zones, and the mines over them."""
    metric = zones.estimate_utm_crs()
    figure, axes = pyplot.subplots(figsize=(8, 7), layout="constrained")
    zones.to_crs(metric).plot(ax=axes, color=COLOURS["stressed"], edgecolor="none", label="stressed rice")
    mines.to_crs(metric).plot(ax=axes, color=COLOURS["mines"], marker="^", markersize=70, label="mine")
    axes.set(title=f"{len(zones)} zones of stressed rice, {len(mines)} mines", xlabel="east (m)", ylabel="north (m)")
    axes.set_aspect("equal")
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=120)


def layer(session, results, output):
    """An output of a job as a GeoDataFrame, whether its value stands in the results or a link to it."""
    value = results[output]
    if "href" in value:
        return geopandas.read_file(io.BytesIO(ask(session, "GET", value["href"]).content))
    return geopandas.GeoDataFrame.from_features(value.get("value", value), crs="OGC:CRS84")


def main():
    """Runs the process on the server and plots what it found."""
    given = arguments()
    session = client()
    started = ask(
        session, "POST", f"{given.server}/processes/{given.process}/execution",
        json={"inputs": json.load(given.inputs), "response": "document"}, headers={"Prefer": "respond-async"},
    )
    job = started.headers["Location"]
    status = follow(session, job)
    if status["status"] != "successful":
        sys.exit(f"the job {status['status']}: {status['message']}")
    results = ask(session, "GET", f"{job}/results").json()
    zones, mines = layer(session, results, "zones"), layer(session, results, "mines")
    print(zones.drop(columns="geometry").head().to_string(index=False))
    plot(zones, mines, given.plot)
    print(f"{len(zones)} zones; see {given.plot}")


if __name__ == "__main__":
    main()
