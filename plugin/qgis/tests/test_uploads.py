# SPDX-License-Identifier: GPL-2.0-or-later
"""Rasters of the project on their way to the server: by value, by the address that they are read from,
and not at all where they are too large.
"""

import shutil
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from threading import Thread

import pytest
from conftest import plugin_with
from county import Server
from feedback import Heard
from osgeo import gdal
from qgis import processing
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from rededge import settings
from rededge.client import Client, ServerError

TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


@pytest.fixture
def stress_map(county, tmp_path):
    """A map that no server has ever seen: the truth of the simulation."""
    return str(shutil.copy(county / "truth-stress.tif", tmp_path / "stress of mine.tif"))


@pytest.fixture
def elsewhere(county):
    """The county on a server of files; what is asked of it is kept."""
    asked = []

    class Files(SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.command, self.path, self.headers.get("User-Agent", "")))
            super().do_GET()

        def log_message(self, *_):
            pass

    files = HTTPServer(("127.0.0.1", 0), partial(Files, directory=str(county)))
    files.asked = asked
    files.host = f"127.0.0.1:{files.server_port}"
    Thread(target=files.serve_forever, daemon=True).start()
    yield files
    files.shutdown()
    files.server_close()


def zones_of(server, given, heard):
    """How many zones a map has."""
    request = {"mines_ref": "mines", "minimumMappingUnit": 0.2, "out_zones": TEMPORARY}
    found = processing.run(f"rededge:{server}.stress-zones", {**given, **request}, feedback=heard)
    layer = QgsVectorLayer(found["out_zones"], "zones", "ogr")
    assert layer.isValid()
    return layer.featureCount()


def test_a_raster_of_the_project_is_sent_by_value(provider, stress_map):
    layer = QgsRasterLayer(stress_map, "stress of mine")
    QgsProject.instance().addMapLayer(layer)
    heard = Heard()
    count = zones_of("county", {"stressMap": layer}, heard)
    assert count > 3
    assert any(f"sending {stress_map} (" in line for line in heard.lines), heard.lines
    assert zones_of("county", {"stressMap": stress_map}, Heard()) == count, "by its path as well"


def test_a_raster_within_an_archive_is_sent_by_value(provider, stress_map, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "maps"), "zip", tmp_path, "stress of mine.tif")
    layer = QgsRasterLayer(f"/vsizip/{archive}/stress of mine.tif", "zipped")
    assert layer.isValid() and zones_of("county", {"stressMap": layer}, Heard()) > 3


def test_a_raster_elsewhere_goes_by_its_link_where_the_server_follows_it(county, elsewhere, tmp_path):
    layer = QgsRasterLayer(f"/vsicurl/http://{elsewhere.host}/truth-stress.tif", "elsewhere")
    assert layer.isValid()
    links = f'[links]\nallow_private = ["{elsewhere.host}"]\n'
    with Server(tmp_path, county, name="Follows", more=links) as follows, plugin_with(follows):
        elsewhere.asked.clear()
        heard = Heard()
        assert zones_of("follows", {"stressMap": layer}, heard) > 3
        assert any(f"sending the link http://{elsewhere.host}/" in line for line in heard.lines), heard.lines
        assert not any("(0." in line or "does not follow" in line for line in heard.lines), heard.lines
        fetched = [path for _, path, agent in elsewhere.asked if "GDAL" not in agent]
        assert "/truth-stress.tif" in fetched, elsewhere.asked


@pytest.mark.parametrize("links", ["", '[links]\nhosts = ["data.example.org"]\n'])
def test_a_raster_elsewhere_is_sent_where_the_server_does_not_follow_its_link(
    county, elsewhere, tmp_path, links
):
    layer = QgsRasterLayer(f"/vsicurl/http://{elsewhere.host}/truth-stress.tif", "elsewhere")
    with Server(tmp_path, county, name="Careful", more=links) as careful, plugin_with(careful):
        heard = Heard()
        assert zones_of("careful", {"stressMap": layer}, heard) > 3
        refused = next(line for line in heard.lines if "does not follow the link" in line)
        assert ("127.0.0.1" if links else "not followed by this server") in refused, refused
        assert any("sending /vsicurl/" in line and "MB)" in line for line in heard.lines), heard.lines


def refusal(process, given):
    """What a run that is refused before anything is sent says."""
    heard = Heard()
    with pytest.raises(QgsProcessingException) as told:
        processing.run(f"rededge:{process}", given, feedback=heard)
    assert not any("/jobs/" in line for line in heard.lines), heard.lines
    return "\n".join([*heard.lines, str(told.value)])


def test_what_is_no_geotiff_is_refused_with_the_way_out(provider, tmp_path):
    grid = tmp_path / "map.asc"
    grid.write_text("ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2\n3 4\n")
    told = refusal("county.stress-zones", {"stressMap": str(grid), "out_zones": TEMPORARY})
    assert "Stress map (stressMap): " in told and "no GeoTIFF; export the layer as GeoTIFF" in told, told
    tiles = QgsRasterLayer("type=xyz&url=http://127.0.0.1:1/{z}/{x}/{y}.png&zmin=0&zmax=9", "tiles", "wms")
    QgsProject.instance().addMapLayer(tiles)
    told = refusal("county.stress-zones", {"stressMap": tiles, "out_zones": TEMPORARY})
    assert "“tiles” is no file that can be read; export it as GeoTIFF" in told, told


def test_what_is_larger_than_the_server_takes_is_refused_before_it_is_sent(county, tmp_path):
    large = str(tmp_path / "large.tif")
    made = gdal.GetDriverByName("GTiff").Create(large, 1200, 1200, 1, gdal.GDT_Byte)
    made.SetGeoTransform((700000, 10, 0, 3080000, 0, -10))
    del made
    crowd = QgsVectorLayer("Point?crs=EPSG:4326&field=class:string", "crowd", "memory")
    places = [QgsFeature(crowd.fields()) for _ in range(9000)]
    for number, place in enumerate(places):
        place.setAttribute("class", "mine")
        place.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(113 + number / 10000, 27.5)))
    assert crowd.dataProvider().addFeatures(places)[0]
    small = Server(tmp_path, county, name="Small", more="[limits]\nbody_megabytes = 1\n")
    with small, plugin_with(small):
        told = refusal("small.stress-zones", {"stressMap": large, "out_zones": TEMPORARY})
        assert (
            "large.tif in a request has 1.8 MB, and the server “Small” takes 1 MB; clip the layer" in told
        ), told
        assert "sending" not in told, told
        told = refusal("small.mine-heatmap", {"mines": crowd, "cell": 500, "out_density": TEMPORARY})
        assert "the request has 1." in told and "the server “Small” takes 1 MB; clip the layer, or" in told, (
            told
        )
        # Another server does not say beforehand; its refusal is told all the same.
        client = Client(settings.servers()[0])
        client.fits = lambda *_: None
        with pytest.raises(ServerError, match=r"takes less than was sent \(413\).*1 MB.*clip the layer"):
            client.post("/processes/echo/execution", {"inputs": {"text": "x" * (9 << 20)}})
