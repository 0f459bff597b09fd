"""rededge by OWSLib over WPS 1.0.0: run `stress-zones`, follow it, read its zones into geopandas, plot them.

    pip install OWSLib geopandas matplotlib
    python examples/owslib_wps.py http://127.0.0.1:8080/wps --stress-map stress-map --mines mines --plot zones.png

The names are those that the server offers (its `rededge.toml`). REDEDGE_KEY holds a key where one is asked for.
"""

import argparse
import os
import sys
import tempfile

import geopandas
from matplotlib import pyplot
from owslib.wps import ASYNC, WebProcessingService

DISTANCE = "distanceM"


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="address of the WPS of a rededge")
    parser.add_argument("--stress-map", required=True, help="name of a class map of stress")
    parser.add_argument("--mines", required=True, help="name of mines")
    parser.add_argument("--plot", default="zones.png", help="where the picture goes")
    return parser.parse_args()


def follow(execution):
    """Waits until the execution is over, and says how far it is."""
    said = None
    while not execution.isComplete():
        execution.checkStatus(sleepSecs=0.5)
        if execution.percentCompleted != said:
            said = execution.percentCompleted
            print(f"{said:3} %  {execution.statusMessage or execution.status}", flush=True)
    if not execution.isSucceded():
        sys.exit("\n".join(f"{error.locator}: {error.text}" for error in execution.errors))


def layer(execution, output):
    """An output of an execution as a GeoDataFrame."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{output}.geojson")
        execution.getOutput(path, identifier=output)
        return geopandas.read_file(path)


def plot(zones, mines, path):
    """Zones by how far the nearest mine is, and the mines over them."""
    metric = zones.estimate_utm_crs()
    figure, axes = pyplot.subplots(figsize=(8, 7), layout="constrained")
    shown = zones.to_crs(metric).assign(km=zones[DISTANCE] / 1000)
    shown.plot(ax=axes, column="km", cmap="inferno", legend=True,
               legend_kwds={"label": "distance to the nearest mine (km)"})
    mines.to_crs(metric).plot(ax=axes, color="#2171b5", marker="^", markersize=70, label="mine")
    axes.set(title=f"{len(zones)} zones of stressed rice", xlabel="east (m)", ylabel="north (m)")
    axes.set_aspect("equal")
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=120)


def main():
    """Runs the process on the server and plots what it found."""
    given = arguments()
    key = os.environ.get("REDEDGE_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    wps = WebProcessingService(given.server, version="1.0.0", headers=headers)
    inputs = [("stressMap", given.stress_map), ("mines", given.mines)]
    wanted = [("zones", True), ("mines", True)]
    execution = wps.execute("stress-zones", inputs, output=wanted, mode=ASYNC)
    follow(execution)
    zones, mines = layer(execution, "zones"), layer(execution, "mines")
    plot(zones, mines, given.plot)
    print(f"{len(zones)} zones; see {given.plot}")


if __name__ == "__main__":
    main()
