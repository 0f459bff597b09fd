# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes run through Processing against a real server: layers, styles, groups, models, the
command line.
"""

import json
import subprocess
from pathlib import Path

import processing
import pytest
from conftest import plugin_with
from county import qgis_process
from feedback import Heard
from pictures import colours, render
from qgis.core import (
    QgsApplication,
    QgsFeatureRequest,
    QgsPalettedRasterRenderer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProject,
    QgsRasterLayer,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)

from rededge import origins

NETWORK = '{"hidden": 16, "dense": 16, "epochs": 12, "batch": 64}'
TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


def run(process, given, heard=None):
    """Runs a process of the server."""
    return processing.run(f"rededge:county.{process}", given, feedback=heard or Heard())


@pytest.fixture(scope="module")
def provider(server):
    """One provider for all tests of this file."""
    with plugin_with(server) as made:
        yield made


@pytest.fixture(scope="module")
def rice(provider, county):
    """A rice map from samples of the project."""
    samples = QgsVectorLayer(str(county / "samples-rice.geojson"), "samples", "ogr")
    heard = Heard()
    found = run("rice-map", {"cube": "county-2019", "samples": samples, "out_classMap": TEMPORARY}, heard)
    return found, heard


@pytest.fixture(scope="module")
def stress(provider, county, rice):
    """A stress map of the rice."""
    samples = str(county / "samples-stress.geojson")
    given = {"cube": "county-2019", "samples": samples, "parameters": NETWORK, "resolution": 10}
    heard = Heard()
    outputs = {"out_classMap": TEMPORARY, "out_probability": TEMPORARY, "out_areas": TEMPORARY}
    return run("stress-map", {**given, **outputs}, heard), heard


@pytest.fixture(scope="module")
def zones(provider, county, stress):
    """Its zones, and the mines beside them."""
    mines = QgsVectorLayer(str(county / "mines.geojson"), "mines", "ogr")
    given = {
        "stressMap": stress[0]["out_classMap"],
        "probability": stress[0]["out_probability"],
        "mines": mines,
        "minimumMappingUnit": 0.2,
    }
    heard = Heard()
    found = run("stress-zones", {**given, "out_zones": TEMPORARY, "out_mines": TEMPORARY}, heard)
    return found, heard


def test_a_rice_map_is_valid_styled_and_drawn(rice):
    found, heard = rice
    layer = QgsRasterLayer(found["out_classMap"], "rice")
    assert layer.isValid() and layer.crs().authid() == "EPSG:32649"
    assert isinstance(layer.renderer(), QgsPalettedRasterRenderer)
    labels = [c.label for c in layer.renderer().classes()]
    assert labels == ["single-rice", "double-rice", "non-rice"]
    drawn = colours(render([layer], "rice-map"))
    for shown in layer.renderer().classes():
        assert drawn.get(shown.color.name(), 0) > 50, f"{shown.label} is drawn"
    assert any("sending 1500 features of samples" in line for line in heard.lines), heard.lines
    assert any("/jobs/" in line for line in heard.lines)
    assert heard.steps and heard.percents[-1] == 100
    assert len(heard.lines) > 3, "the job's log is told"
    assert "out_model" not in found, "nobody asked for it"


def test_a_stress_map_and_its_probability_are_valid_styled_and_drawn(stress):
    found, _heard = stress
    layer = QgsRasterLayer(found["out_classMap"], "stress")
    assert layer.isValid() and isinstance(layer.renderer(), QgsPalettedRasterRenderer)
    drawn = colours(render([layer], "stress-map"))
    stressed = [c.color.name() for c in layer.renderer().classes() if c.label == "stressed-rice"]
    assert drawn.get(stressed[0], 0) > 50
    percent = QgsRasterLayer(found["out_probability"], "probability")
    assert isinstance(percent.renderer(), QgsSingleBandPseudoColorRenderer)
    assert len(colours(render([percent], "stress-probability"))) > 5
    areas = json.loads(Path(found["out_areas"]).read_text())
    assert {area["name"] for area in areas} >= {"stressed-rice"}


def test_zones_are_a_geopackage_with_style_beside_mines(zones, stress):
    found, heard = zones
    assert found["out_zones"].endswith(".gpkg")
    layer = QgsVectorLayer(found["out_zones"], "zones", "ogr")
    mines = QgsVectorLayer(found["out_mines"], "mines", "ogr")
    assert layer.isValid() and mines.isValid() and layer.featureCount() > 3 and mines.featureCount() == 4
    names = layer.fields().names()
    assert {"areaHa", "meanProbability", "distanceM", "bearingDeg", "minesWithin"} <= set(names), names
    assert layer.renderer().symbol().color().name() == "#d55e00"
    sent = [line for line in heard.lines if "nothing is sent" in line]
    assert len(sent) == 2, "maps that the server made go by their link"
    image = render([mines, layer, QgsRasterLayer(stress[0]["out_classMap"], "stress")], "stress-zones")
    assert len(colours(image)) > 5


def test_a_changed_result_is_no_longer_the_servers(zones, monkeypatch):
    path = zones[0]["out_mines"]
    assert origins.origin_of(path).endswith("/results/mines")
    note = origins.note_of(path)
    monkeypatch.setattr(origins, "_known", {})
    assert origins.origin_of(path) is None
    assert origins.origin_of(path, note).endswith("/results/mines"), "a layer remembers it"
    Path(path).touch()
    assert origins.origin_of(path, note) is None


def test_selected_features_alone_are_sent_when_asked(provider, county):
    layer = QgsVectorLayer(str(county / "mines.geojson"), "mines", "ogr")
    layer.selectByIds([next(layer.getFeatures(QgsFeatureRequest().setLimit(1))).id()])
    QgsProject.instance().addMapLayer(layer)
    heard = Heard()
    some = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    run("mine-heatmap", {"mines": some, "cell": 500, "out_density": TEMPORARY}, heard)
    assert any("sending 1 features" in line for line in heard.lines), heard.lines


def test_layers_of_a_projected_crs_arrive_in_longitude_and_latitude(provider, county):
    layer = QgsVectorLayer(str(county / "mines.geojson"), "mines", "ogr")
    context = {"INPUT": layer, "TARGET_CRS": "EPSG:32649", "OUTPUT": "memory:"}
    moved = processing.run("native:reprojectlayer", context)["OUTPUT"]
    maps = []
    for mines in (layer, moved):
        found = run("mine-heatmap", {"mines": mines, "cell": 500, "out_density": TEMPORARY})
        maps.append(QgsRasterLayer(found["out_density"], "density"))
    assert [m.width() for m in maps] == [maps[0].width()] * 2
    differences = maps[0].extent().xMinimum() - maps[1].extent().xMinimum()
    assert abs(differences) < 1e-3, "the same places within a millimetre"


def test_layers_come_into_one_group_with_mines_on_top(provider, county, stress):
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    given = {
        "stressMap": stress[0]["out_classMap"],
        "mines_ref": "mines",
        "out_zones": TEMPORARY,
        "out_mines": TEMPORARY,
    }
    processing.runAndLoadResults("rededge:county.stress-zones", given, feedback=Heard(), context=context)
    root = QgsProject.instance().layerTreeRoot()
    group = next(g for g in root.findGroups() if g.name().startswith("Stress zones, "))
    assert [layer.name() for layer in group.findLayers()] == ["Mines", "Zones"]
    for node in group.findLayers():
        assert "/results/" in node.layer().customProperty("rededge/origin")
    assert group.findLayers()[1].layer().renderer().symbol().color().name() == "#d55e00"


def test_zones_come_in_the_format_of_their_ending(provider, stress, tmp_path):
    for ending, driver in (("geojson", "GeoJSON"), ("fgb", "FlatGeobuf"), ("csv", "CSV")):
        path = str(tmp_path / f"zones.{ending}")
        found = run("stress-zones", {"stressMap": stress[0]["out_classMap"], "out_zones": path})
        layer = QgsVectorLayer(found["out_zones"], "zones", "ogr")
        assert layer.isValid() and layer.storageType() == driver and layer.featureCount() > 3
    algorithm = QgsApplication.processingRegistry().algorithmById("rededge:county.stress-zones")
    given = {"stressMap_ref": "x", "out_zones": str(tmp_path / "zones.shp")}
    good, why = algorithm.checkParameterValues(given, QgsProcessingContext())
    assert not good and "shp" in why


def test_tables_documents_and_values_come_back(provider, county):
    points = {"cube": "county-2019", "features": str(county / "mines.geojson"), "out_table": TEMPORARY}
    found = run("index-series", {**points, "out_figure": TEMPORARY})
    table = QgsVectorLayer(found["out_table"], "table", "ogr")
    assert found["out_table"].endswith(".csv") and table.featureCount() == 1
    assert "<svg" in Path(found["out_figure"]).read_text()
    given = {"text": "hello", "number": 2.5, "choice": "two", "list": "1, 2", "object": '{"a": true}'}
    found = run("echo", {**given, "out_object": TEMPORARY, "bbox": "0,1,2,3 [EPSG:4326]"})
    assert (found["out_text"], found["out_number"], found["out_choice"]) == ("hello", 2.5, "two")
    assert json.loads(Path(found["out_object"]).read_text()) == {"a": True}


def test_files_are_sent_as_bytes_and_models_as_documents(provider, county, tmp_path):
    file = tmp_path / "some.bin"
    file.write_bytes(bytes(range(256)))
    found = run("echo", {"text": "x", "bytes": str(file)})
    import base64

    assert base64.b64decode(found["out_bytes"]) == file.read_bytes()
    given = {"cube": "county-2019", "samples_ref": "rice-samples", "out_model": TEMPORARY}
    model = run("train-rice", given)["out_model"]
    moved = tmp_path / "model.json"
    moved.write_bytes(Path(model).read_bytes())
    found = run("rice-map", {"cube": "county-2019", "model": str(moved), "out_classMap": TEMPORARY})
    assert QgsRasterLayer(found["out_classMap"], "rice").isValid()


def test_json_inputs_may_name_layers_of_the_project(provider, stress):
    layer = QgsRasterLayer(stress[0]["out_classMap"], "stress of 2019")
    QgsProject.instance().addMapLayer(layer)
    maps = json.dumps([{"year": 2019, "map": {"layer": "stress of 2019"}}])
    found = run("stress-persistence", {"maps": maps, "out_persistence": TEMPORARY})
    assert QgsRasterLayer(found["out_persistence"], "persistence").isValid()


def test_two_processes_run_chained_in_a_model(provider, county, stress):
    model = QgsProcessingModelAlgorithm("zones and their heat", "rededge")
    source = QgsProcessingModelChildParameterSource
    zones = QgsProcessingModelChildAlgorithm("rededge:county.stress-zones")
    zones.setChildId("zones")
    zones.addParameterSources("stressMap", [source.fromStaticValue(stress[0]["out_classMap"])])
    zones.addParameterSources("mines_ref", [source.fromStaticValue("mines")])
    model.addChildAlgorithm(zones)
    heat = QgsProcessingModelChildAlgorithm("rededge:county.mine-heatmap")
    heat.setChildId("heat")
    heat.addParameterSources("mines", [source.fromChildOutput("zones", "out_mines")])
    heat.addParameterSources("cell", [source.fromStaticValue(500)])
    density = QgsProcessingModelOutput("density")
    density.setChildId("heat")
    density.setChildOutputName("out_density")
    heat.setModelOutputs({"density": density})
    model.addChildAlgorithm(heat)
    valid, errors = model.validate()
    assert valid, errors
    heard = Heard()
    # The first child's mines are made although the model has no output of them.
    found = processing.run(model, {"heat:density": TEMPORARY}, feedback=heard)
    assert QgsRasterLayer(found["heat:density"], "density").isValid()


def test_the_command_line_of_qgis_runs_a_process(provider, county, tmp_path):
    qgis_process("plugins", "enable", "rededge")
    listed = qgis_process("list").stdout
    assert "county.stress-zones" in listed
    told = qgis_process("help", "rededge:county.stress-zones").stdout
    assert "Minimum mapping unit (ha)" in told and "radius" in told
    rice_map = tmp_path / "rice.tif"
    done = qgis_process(
        "run",
        "rededge:county.rice-map",
        "--",
        "cube=county-2019",
        f"samples={county / 'samples-rice.geojson'}",
        "dates_from=2019-04-10",
        f"out_classMap={rice_map}",
    )
    assert str(rice_map) in done.stdout, done.stdout
    layer = QgsRasterLayer(str(rice_map), "rice")
    assert layer.isValid() and isinstance(layer.renderer(), QgsPalettedRasterRenderer)
    bad = subprocess.run(
        [*qgis_process.command, "run", "rededge:county.rice-map", "--", "cube=nothing", "samples_ref=x"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert bad.returncode != 0 and "nothing" not in bad.stdout.split("Results")[-1]
