"""GDAL reads features by OAPIF and vector tiles by MVT from the running server."""

import json
import math
import shutil
import subprocess

import pytest
import requests

pytestmark = pytest.mark.skipif(not shutil.which("ogr2ogr"), reason="gdal-bin is absent")


def gdal(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def mines(server):
    return requests.get(f"{server.url}/collections/mines/items", params={"limit": 10000}, timeout=30).json()


def test_oapif_lists_and_reads_all_items(server, mines, tmp_path):
    # It asks every collection for items, rasters too, and says that those have none.
    listed = subprocess.run(["ogrinfo", f"OAPIF:{server.url}"], capture_output=True, text=True, timeout=120)
    assert listed.returncode == 0 and "mines" in listed.stdout
    summary = gdal("ogrinfo", "-so", f"OAPIF:{server.url}/collections/mines", "mines")
    assert f"Feature Count: {mines['numberMatched']}" in summary
    copy = tmp_path / "mines.geojson"
    # Pages of 2, so that `next` links are followed.
    gdal("ogr2ogr", "-f", "GeoJSON", copy, f"OAPIF:{server.url}/collections/mines", "mines", "-oo", "PAGE_SIZE=2")
    read = json.loads(copy.read_text())["features"]
    assert len(read) == mines["numberMatched"] > 2
    names = {f["properties"].get("name") for f in mines["features"]}
    assert {f["properties"].get("name") for f in read} == names


def test_oapif_asks_for_boxes(server, mines):
    x, y = mines["features"][0]["geometry"]["coordinates"]
    box = [str(v) for v in (x - 1e-6, y - 1e-6, x + 1e-6, y + 1e-6)]
    summary = gdal("ogrinfo", "-so", "-spat", *box, f"OAPIF:{server.url}/collections/mines", "mines")
    inside = [f for f in mines["features"] if all(abs(a - b) <= 1e-6 for a, b in zip(f["geometry"]["coordinates"], (x, y)))]
    assert f"Feature Count: {len(inside)}" in summary


def test_mvt_reads_a_tile(server, mines, tmp_path):
    tile = tmp_path / "0.mvt"
    answer = requests.get(f"{server.url}/collections/mines/tiles/WebMercatorQuad/0/0/0", timeout=30)
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    tile.write_bytes(answer.content)
    summary = gdal("ogrinfo", "-so", "-al", f"MVT:{tile}")
    assert "Layer name: mines" in summary
    assert f"Feature Count: {mines['numberMatched']}" in summary


def test_mvt_places_what_is_in_a_tile(server, mines, tmp_path):
    lon, lat = mines["features"][0]["geometry"]["coordinates"]
    zoom, radius = 12, 6378137
    x, y = radius * math.radians(lon), radius * math.asinh(math.tan(math.radians(lat)))
    edge = 2 * math.pi * radius / 2**zoom
    column, row = int((x + math.pi * radius) / edge), int((math.pi * radius - y) / edge)
    tile, copy = tmp_path / "12.mvt", tmp_path / "12.geojson"
    answer = requests.get(f"{server.url}/collections/mines/tiles/WebMercatorQuad/{zoom}/{row}/{column}", timeout=30)
    tile.write_bytes(answer.content)
    place = ["-oo", f"X={column}", "-oo", f"Y={row}", "-oo", f"Z={zoom}"]
    gdal("ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:4326", copy, f"MVT:{tile}", *place)
    first = mines["features"][0]
    found = [f for f in json.loads(copy.read_text())["features"] if f["properties"].get("name") == first["properties"]["name"]]
    # A unit of the tile is 2.4 m.
    assert found and all(abs(a - b) < 5e-5 for a, b in zip(found[0]["geometry"]["coordinates"], (lon, lat)))


def test_geopackage_and_table_open_in_gdal(server, mines, tmp_path):
    for form, name in (("gpkg", "mines.gpkg"), ("csv", "mines.csv")):
        answer = requests.get(f"{server.url}/collections/mines/items", params={"f": form}, timeout=30)
        (tmp_path / name).write_bytes(answer.content)
        summary = gdal("ogrinfo", "-so", "-al", tmp_path / name)
        assert f"Feature Count: {mines['numberMatched']}" in summary
