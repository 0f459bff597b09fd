# SPDX-License-Identifier: GPL-2.0-or-later
"""Each kind of layer that the server serves, loaded by QGIS itself and rendered to a picture."""

import json
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from conftest import plugin_with
from feedback import Heard
from pictures import colours, render
from qgis import processing
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDataSourceUri,
    QgsFeatureRequest,
    QgsProcessing,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)

NETWORK = '{"hidden": 16, "dense": 16, "epochs": 12, "batch": 64}'
MERCATOR = "EPSG:3857"
TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


@pytest.fixture(scope="module")
def provider(server):
    """One provider for all tests of this file."""
    with plugin_with(server) as made:
        yield made


@pytest.fixture(scope="module")
def results(provider, county):
    """Collections of a stress map, its probability, its zones, and the mines: ids by output."""
    given = {"cube": "county-2019", "samples": str(county / "samples-stress.geojson"), "parameters": NETWORK}
    run = processing.run
    outputs = {"out_classMap": TEMPORARY, "out_probability": TEMPORARY}
    stress = run("rededge:county.stress-map", {**given, **outputs}, feedback=Heard())
    given = {"stressMap": stress["out_classMap"], "mines_ref": "mines", "minimumMappingUnit": 0.2}
    given |= {"out_zones": TEMPORARY, "out_mines": TEMPORARY}
    zones = run("rededge:county.stress-zones", given, feedback=Heard())
    job = {name: made["job"].rpartition("/")[2] for name, made in (("stress", stress), ("zones", zones))}
    return {
        "classMap": f"{job['stress']}-classMap",
        "probability": f"{job['stress']}-probability",
        "zones": f"{job['zones']}-zones",
        "mines": f"{job['zones']}-mines",
        "file": stress["out_classMap"],
    }


def document(url):
    """JSON from an address."""
    with urlopen(url) as answer:
        return json.load(answer)


def stressed(results):
    """The colour of stressed rice, as the file of the map has it."""
    layer = QgsRasterLayer(results["file"], "stress")
    layer.loadDefaultStyle()
    return next(c.color.name() for c in layer.renderer().classes() if c.label == "stressed-rice")


def test_xyz_tiles_of_a_map_have_the_colours_of_its_legend(server, results):
    told = document(f"{server.url}/tiles/{results['classMap']}/tilejson.json")
    url = quote(told["tiles"][0], safe=":/{}")
    layer = QgsRasterLayer(f"type=xyz&url={url}&zmin=0&zmax={told['maxzoom']}", "tiles", "wms")
    assert layer.isValid()
    west, south, east, north = told["bounds"]
    layer.setExtent(lon_lat(west, south, east, north))
    drawn = colours(render([layer], "layer-xyz", MERCATOR))
    assert drawn.get(stressed(results), 0) > 50, drawn


def test_wmts_lists_the_map_and_draws_it(server, results):
    parts = [
        "contextualWMSLegend=0&crs=EPSG:3857&dpiMode=7&format=image/png",
        f"layers={results['classMap']}",
        "styles=" + document(f"{server.url}/collections/{results['classMap']}")["defaultStyle"],
        "tileMatrixSet=WebMercatorQuad",
        f"url={server.url}/wmts?SERVICE%3DWMTS%26REQUEST%3DGetCapabilities",
    ]
    layer = QgsRasterLayer("&".join(parts), "wmts", "wms")
    assert layer.isValid(), layer.error().message()
    drawn = colours(render([layer], "layer-wmts", MERCATOR))
    assert drawn.get(stressed(results), 0) > 20, drawn


def test_the_coverage_is_read_in_place_by_ranges(server, results):
    layer = QgsRasterLayer(f"/vsicurl/{server.url}/collections/{results['probability']}/coverage", "cog")
    assert layer.isValid() and layer.crs().authid() == "EPSG:32649"
    assert len(colours(render([layer], "layer-coverage"))) > 5


@pytest.fixture
def served(server):
    """Features, as far as this server declares them."""
    classes = document(f"{server.url}/conformance")["conformsTo"]
    if not any(declared.endswith("ogcapi-features-1/1.0/conf/core") for declared in classes):
        pytest.skip("the server serves no OGC API - Features")


def features(server, collection):
    """A layer by OGC API - Features."""
    source = QgsDataSourceUri()
    source.setParam("url", server.url)
    source.setParam("typename", collection)
    return QgsVectorLayer(source.uri(False), collection, "OAPIF")


def test_features_come_with_their_attributes_and_by_place(server, served, results):
    layer = features(server, results["zones"])
    assert layer.isValid() and layer.featureCount() > 3
    assert {"areaHa", "distanceM", "nearestMine"} <= set(layer.fields().names())
    every = list(layer.getFeatures())
    assert len(every) == layer.featureCount()
    small = QgsRectangle(every[0].geometry().boundingBox())
    some = list(layer.getFeatures(QgsFeatureRequest().setFilterRect(small)))
    assert 0 < len(some) <= len(every)
    mines = features(server, results["mines"])
    assert mines.isValid() and len(list(mines.getFeatures())) == 4
    assert len(colours(render([mines, layer], "layer-features", MERCATOR))) > 2


def test_vector_tiles_hold_the_zones(server, served, results):
    url = f"{server.url}/collections/{results['zones']}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt"
    layer = QgsVectorTileLayer(f"type=xyz&url={quote(url, safe=':/{}?')}&zmin=0&zmax=16", "zones")
    assert layer.isValid()
    layer.setExtent(lon_lat(*bounds(server, results["zones"])))
    assert len(colours(render([layer], "layer-vector-tiles", MERCATOR))) > 2


def bounds(server, collection):
    """Where a collection lies."""
    return document(f"{server.url}/collections/{collection}")["extent"]["spatial"]["bbox"][0]


def lon_lat(west, south, east, north):
    """A box of longitude and latitude in Web Mercator."""
    systems = [QgsCoordinateReferenceSystem(name) for name in ("EPSG:4326", MERCATOR)]
    box = QgsRectangle(west, south, east, north)
    return QgsCoordinateTransform(*systems, QgsProject.instance()).transformBoundingBox(box)


def run_and_load(process, given, heard):
    """Runs a process and loads its results into the project, as the window does."""
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    processing.runAndLoadResults(f"rededge:county.{process}", given, feedback=heard, context=context)


def test_a_run_may_leave_its_results_on_the_server(provider, served, results):
    algorithm = QgsApplication.processingRegistry().algorithmById("rededge:county.stress-zones")
    assert algorithm.parameterDefinition("load").options() == ["files", "server"]
    given = {"stressMap": results["file"], "mines_ref": "mines", "load": "server"}
    given |= {"out_zones": TEMPORARY, "out_mines": TEMPORARY}
    run_and_load("stress-zones", given, Heard())
    zones, mines = (QgsProject.instance().mapLayersByName(name)[-1] for name in ("Zones", "Mines"))
    assert (zones.providerType(), mines.providerType()) == ("OAPIF", "OAPIF")
    assert zones.renderer().symbol().color().name() == "#d55e00"
    group = QgsProject.instance().layerTreeRoot().findLayer(zones.id()).parent()
    assert group.name().startswith("Stress zones, ")
    # And they go back by their link.
    heard = Heard()
    given = {"mines": mines, "cell": 500, "out_density": TEMPORARY, "load": "server"}
    run_and_load("mine-heatmap", given, heard)
    assert any("nothing is sent" in line for line in heard.lines), heard.lines
    density = QgsProject.instance().mapLayersByName("Density")[-1]
    assert density.providerType() == "wms" and density.isValid()
