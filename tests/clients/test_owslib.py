"""OWSLib, the client of QGIS plug-ins and of most Python code: a real `rice-map` by each protocol it speaks."""

import json
import shutil
import subprocess
import time

import pytest
import requests
from owslib.ogcapi.processes import Processes
from owslib.wps import (
    ASYNC,
    SYNC,
    ComplexDataInput,
    GMLMultiPolygonFeatureCollection,
    WebProcessingService,
    monitorExecution,
)

GEOTIFF = "image/tiff; subtype=geotiff"


def is_tiff(data):
    return data[:4] in (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+")


def test_wps_starts_follows_and_fetches_a_rice_map(server, rice_inputs, tmp_path):
    wps = WebProcessingService(f"{server.url}/wps", version="1.0.0")
    assert "rice-map" in [process.identifier for process in wps.processes]
    described = wps.describeprocess("rice-map")
    inputs = {member.identifier: member for member in described.dataInputs}
    assert inputs["cube"].minOccurs == 1 and inputs["resolution"].dataType.endswith("double")
    formats = {o.identifier: o.supportedValues[0].mimeType for o in described.processOutputs if o.supportedValues}
    assert formats["classMap"] == GEOTIFF

    given = [(name, str(value)) for name, value in rice_inputs.items()]
    wanted = [("classMap", True, GEOTIFF), ("areas", False)]
    execution = wps.execute("rice-map", given, output=wanted, mode=ASYNC)
    assert execution.statusLocation.startswith(server.url)
    monitorExecution(execution, sleepSecs=0.2, download=False)
    assert execution.isSucceded(), [error.text for error in execution.errors]
    outputs = {output.identifier: output for output in execution.processOutputs}
    assert set(outputs) == {"classMap", "areas"}
    file = tmp_path / "classMap.tif"
    execution.getOutput(str(file), identifier="classMap")
    assert is_tiff(file.read_bytes())
    areas = json.loads(outputs["areas"].data[0])
    assert areas, "the areas stand in the answer"


def test_wps_answers_at_once_and_names_what_is_wrong(server):
    wps = WebProcessingService(f"{server.url}/wps", version="1.0.0")
    done = wps.execute("echo", [("text", "a < b & c"), ("number", "2.5")], mode=SYNC)
    assert done.isSucceded()
    assert {o.identifier: o.data for o in done.processOutputs} == {"text": ["a < b & c"], "number": ["2.5"]}
    failed = wps.execute("rice-map", [("cube", "no-such-cube"), ("samples", "samples")], mode=SYNC)
    assert not failed.isSucceded()
    assert [error.locator for error in failed.errors] == ["cube"]
    assert "cube that this server offers" in failed.errors[0].text


def test_wps_takes_samples_and_the_area_as_gml(server, county, rice_inputs, tmp_path):
    if not shutil.which("ogr2ogr"):
        pytest.skip("ogr2ogr is absent")
    points = tmp_path / "samples.gml"
    source = county / "samples-rice.geojson"
    subprocess.run(["ogr2ogr", "-q", "-f", "GML", "-dsco", "FORMAT=GML3", points, source], check=True)
    west, south, east, north = _bounds(json.loads(source.read_text()))
    area = [[(west, south), (west, north), (east, north), (east, south), (west, south)]]
    gml = points.read_text().split("?>", 1)[1]
    wps = WebProcessingService(f"{server.url}/wps", version="1.0.0")
    given = [(name, str(value)) for name, value in rice_inputs.items() if name != "samples"]
    by_value = ComplexDataInput(gml, mimeType="text/xml; subtype=gml/3.1.1")
    areas = []
    for samples in (by_value, "samples"):
        inputs = [*given, ("samples", samples), ("area", GMLMultiPolygonFeatureCollection(area))]
        execution = wps.execute("rice-map", inputs, output=[("areas", False)], mode=ASYNC)
        monitorExecution(execution, sleepSecs=0.2, download=False)
        assert execution.isSucceded(), [error.text for error in execution.errors]
        (output,) = execution.processOutputs
        areas.append(json.loads(output.data[0]))
    assert areas[0] and areas[0] == areas[1], "the map is the same as by GeoJSON"


def _bounds(collection):
    """West, south, east and north of points."""
    places = [feature["geometry"]["coordinates"] for feature in collection["features"]]
    longitudes, latitudes = zip(*(place[:2] for place in places))
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def test_ogc_api_starts_follows_and_fetches_a_rice_map(server, rice_inputs):
    api = Processes(server.url)
    assert "rice-map" in [process["id"] for process in api.processes()]
    assert api.process("rice-map")["inputs"]["cube"]["schema"]
    started = api.execute("rice-map", rice_inputs, async_=True)
    job = f"{server.url}/jobs/{started['jobID']}"
    seen, deadline = [], time.monotonic() + 120
    while (status := requests.get(job, timeout=30).json())["status"] in ("accepted", "running"):
        seen.append(status["progress"])
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    assert status["status"] == "successful", status
    seen.append(status["progress"])
    assert seen == sorted(seen) and seen[-1] == 100, f"progress goes back: {seen}"
    results = requests.get(f"{job}/results", timeout=30).json()
    assert {"classMap", "confidence", "areas", "accuracy"} <= set(results)
    link = results["classMap"]
    assert is_tiff(requests.get(link["href"], timeout=30).content)
    assert link["type"].startswith("image/tiff")


def test_ogc_api_answers_at_once(server):
    answer = Processes(server.url).execute("echo", {"text": "hello", "list": [1, 2]})
    assert answer == {"text": "hello", "list": [1.0, 2.0]}
