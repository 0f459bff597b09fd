"""GDAL's own drivers open collections: OGCAPI over maps and vector tiles, WMTS, XYZ by a WMS file, COG by /vsicurl.

GDAL 3.6 reads tile matrix sets by the names of a draft, which are told beside those of the standard. It narrows the
window of a map's tiles to the limits of the tileset, but not their number of rows (frmts/ogcapi/gdalogcapidataset.cpp,
`rowCount * tileMatrix.mTileHeight`), so that its pixels are no squares: maps in tiles are read by WMTS there."""

import json
import os
import re
import subprocess
import tempfile
import urllib.request

import pyogrio
import pytest


# What GDAL's drivers keep of tiles stays out of the checkout.
os.environ["GDAL_DEFAULT_WMS_CACHE_PATH"] = tempfile.mkdtemp(prefix="rededge-tiles-")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def info(*place):
    return json.loads(run("gdalinfo", "-json", "-nomd", *place))


@pytest.fixture(scope="session")
def layer(server):
    """The truth of rice, offered by name."""
    return f"{server.url}/collections/truth-rice"


def seen(picture):
    """Pixels that are not transparent, and colours that are seen."""
    text = run("gdalinfo", "-json", "-hist", picture)
    bands = json.loads(text)["bands"]
    return sum(bands[-1]["histogram"]["buckets"][128:])


def test_ogcapi_opens_the_map_of_a_collection(layer, tmp_path):
    found = info(f"OGCAPI:{layer}", "-oo", "API=MAP")
    assert len(found["bands"]) >= 3, found
    picture = tmp_path / "map.tif"
    run("gdal_translate", "-q", "-outsize", 256, 0, f"OGCAPI:{layer}", picture, "-oo", "API=MAP")
    assert seen(picture) > 1000


def test_ogcapi_of_gdal_3_12_reads_features_of_every_vector_tileset(server):
    """By the GDAL that pyogrio brings. Its driver compares the extent in degrees with every tile matrix set,
    so that of web maps is told to it in metres."""
    place = f"OGCAPI:{server.url}/collections/mines"
    with urllib.request.urlopen(f"{server.url}/collections/mines/items?limit=10000") as answer:
        wanted = json.load(answer)["features"]
    places = {f["properties"]["name"]: f["geometry"]["coordinates"] for f in wanted}
    assert len(places) > 2
    edges = dict(zip(("MINX", "MINY", "MAXX", "MAXY"), bounds(server, "WebMercatorQuad")))
    # The mines lie around the county too.
    edges = {name: value + (-20_000 if name.startswith("MIN") else 20_000) for name, value in edges.items()}
    for set_, options in (("WorldCRS84Quad", {}), ("WebMercatorQuad", edges)):
        read = pyogrio.read_dataframe(place, layer="Zoom level 10", API="TILES", TILEMATRIXSET=set_, **options)
        read = read.to_crs("OGC:CRS84")
        found = {name: (point.x, point.y) for name, point in zip(read["name"], read.geometry)}
        assert found.keys() == places.keys(), set_
        # Half a unit of a tile of this level is 5 m.
        for name, (x, y) in found.items():
            assert abs(x - places[name][0]) < 1e-4 and abs(y - places[name][1]) < 1e-4, (set_, name)


@pytest.mark.parametrize("set_", ["WebMercatorQuad", "WorldCRS84Quad"])
def test_wmts_opens_every_tile_matrix_set(server, set_, tmp_path):
    place = f"WMTS:{server.url}/wmts?service=WMTS&request=GetCapabilities,layer=truth-rice,tilematrixset={set_}"
    found = info(place)
    assert len(found["bands"]) == 4
    picture = tmp_path / "map.tif"
    # Of its extent alone: the set spans the world.
    west, south, east, north = bounds(server, set_)
    window = ["-projwin", west, north, east, south, "-outsize", 256, 0]
    run("gdal_translate", "-q", *window, place, picture)
    assert seen(picture) > 1000


def bounds(server, set_):
    text = run("gdalinfo", "-json", f"/vsicurl/{server.url}/collections/truth-rice/coverage")
    ring = json.loads(text)["wgs84Extent"]["coordinates"][0]
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    corners = f"{min(xs)} {min(ys)}\n{max(xs)} {max(ys)}\n"
    target = "EPSG:3857" if set_ == "WebMercatorQuad" else "OGC:CRS84"
    done = subprocess.run(["gdaltransform", "-s_srs", "OGC:CRS84", "-t_srs", target, "-output_xy"],
                          input=corners, capture_output=True, text=True, check=True)
    return [float(v) for v in re.findall(r"[-\d.]+", done.stdout)]


def test_a_coverage_is_read_in_parts(server):
    whole = info(f"/vsicurl/{server.url}/collections/truth-rice/coverage")
    assert whole["driverShortName"] == "GTiff" and whole["size"] == [200, 200]


def test_xyz_tiles_are_read(server, tmp_path):
    xml = tmp_path / "xyz.xml"
    xml.write_text(f"""<GDAL_WMS><Service name="TMS">
      <ServerUrl>{server.url}/tiles/truth-rice/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>
      <DataWindow><UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY>
      <LowerRightX>20037508.34</LowerRightX><LowerRightY>-20037508.34</LowerRightY>
      <TileLevel>16</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow>
      <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><Projection>EPSG:3857</Projection>
      <BandsCount>4</BandsCount></GDAL_WMS>""")
    west, south, east, north = bounds(server, "WebMercatorQuad")
    picture = tmp_path / "map.tif"
    run("gdal_translate", "-q", "-projwin", west, north, east, south, "-outsize", 256, 0, xml, picture)
    assert seen(picture) > 1000


def test_sld_and_qml_are_xml(server):
    import xml.etree.ElementTree as tree
    for form in ("sld10", "qml"):
        with urllib.request.urlopen(f"{server.url}/styles/rice?f={form}") as answer:
            tree.fromstring(answer.read())
