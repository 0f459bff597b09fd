# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes run through Processing against a real server: layers, styles, groups, models, the
command line.
"""

import csv
import json
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import plugin_with
from county import qgis_process
from feedback import Heard
from pictures import colours, render
from qgis import processing
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProject,
    QgsProxyProgressTask,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QDate
from qgis.PyQt.QtWidgets import QTextEdit

from rededge import origins

NETWORK = '{"hidden": 16, "dense": 16, "epochs": 12, "batch": 64}'
TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


def run(process, given, heard=None):
    """Runs a process of the server."""
    return processing.run(f"rededge:county.{process}", given, feedback=heard or Heard())


def wait_for(ready, seconds=60):
    """Lets QGIS work until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        QCoreApplication.processEvents()
        time.sleep(0.01)


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
    with urlopen(f"{found['job']}/log") as answer:
        log = [line["text"] for line in json.load(answer)["lines"]]
    assert log and [line for line in heard.lines if line in log] == log, "the job's log is told, in its order"
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


@pytest.fixture(scope="module")
def model(provider, tmp_path_factory):
    """A model of rice, so that maps need no training."""
    given = {"cube": "county-2019", "samples_ref": "rice-samples"}
    path = tmp_path_factory.mktemp("model") / "rice.json"
    return run("train-rice", {**given, "out_model": str(path)})["out_model"]


def test_an_area_is_the_same_place_in_any_crs_as_a_box_and_as_a_polygon(provider, model):
    box = QgsRectangle(600_500, 3_098_500, 601_500, 3_099_300)
    utm = QgsCoordinateReferenceSystem("EPSG:32649")
    project = QgsProject.instance()

    def in_crs(name):
        crs = QgsCoordinateReferenceSystem(name)
        return QgsReferencedRectangle(
            QgsCoordinateTransform(utm, crs, project).transformBoundingBox(box), crs
        )

    polygon = QgsVectorLayer("Polygon?crs=EPSG:32649", "field", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromRect(box))
    assert polygon.dataProvider().addFeature(feature)
    areas = [{"area": in_crs(name)} for name in ("EPSG:32649", "EPSG:3857", "EPSG:4326")]
    for area in [*areas, {"area_layer": polygon}]:
        found = run("rice-map", {"cube": "county-2019", "model": model, "out_classMap": TEMPORARY, **area})
        layer = QgsRasterLayer(found["out_classMap"], "rice")
        mapped = layer.extent()
        assert layer.crs() == utm and mapped.contains(box), f"{area}: {mapped.toString()}"
        # Boxes of another CRS stand askew, by less than thirty metres here.
        assert mapped.width() < box.width() + 60 and mapped.height() < box.height() + 60, mapped.toString()


def test_days_bound_what_is_read(provider, county):
    given = {"cube": "county-2019", "features": str(county / "mines.geojson"), "out_table": TEMPORARY}

    def days(**bounds):
        found = run("index-series", {**given, **bounds})
        with open(found["out_table"], newline="") as file:
            rows = list(csv.reader(file))
        return sorted({name.split("@")[1] for name in rows[0] if "@" in name})

    every, some = days(), days(dates_from=QDate(2019, 6, 1), dates_to="2019-09-30")
    assert (every[0], every[-1], len(every)) == ("2019-04-01", "2019-10-16", 20)
    assert some == [day for day in every if "2019-06-01" <= day <= "2019-09-30"] and 5 < len(some) < 20


@pytest.fixture
def batch(provider):
    """QGIS's own window for batches of rice maps."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    dialog = BatchAlgorithmDialog(provider.algorithm("county.rice-map").create())
    yield dialog
    # QGIS's window forgets to end the task that shows its progress; QGIS itself would wait for it.
    for task in QgsApplication.taskManager().activeTasks():
        sip.cast(task, QgsProxyProgressTask).finalize(True)
    sip.delete(dialog)


def test_a_batch_runs_row_by_row_in_its_window(batch, model, tmp_path):
    panel = batch.mainWidget()
    given = [
        {"cube": "county-2019", "model": model, "resolution": 10},
        {"cube": "county-2019", "model_ref": "no-such-model"},
        {"cube": "county-2019", "model": model, "resolution": 20},
    ]
    wanted = [tmp_path / f"rice-{row}.tif" for row in range(3)]
    context = QgsProcessingContext()
    for row, values in enumerate(given):
        if panel.batchRowCount() <= row:
            panel.addRow()
        for name, value in values.items():
            panel.wrappers[row][panel.parameter_to_column[name]].setParameterValue(value, context)
        for output in batch.algorithm().destinationParameterDefinitions():
            path = str(wanted[row]) if output.name() == "out_classMap" else ""
            panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column[output.name()]).setValue(path)
    panel.checkLoadLayersOnCompletion.setChecked(False)
    batch.runAlgorithm()
    wait_for(lambda: not batch.cancelButton().isEnabled())
    sizes = [QgsRasterLayer(str(path), "rice").width() for path in (wanted[0], wanted[2])]
    assert sizes == [220, 110], "each row has a result of its own"
    assert not wanted[1].exists(), "a row that fails ends itself alone"
    log = "\n".join(pane.toPlainText() for pane in batch.findChildren(QTextEdit))
    assert "Model (model): " in log and "no-such-model" in log, log


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
