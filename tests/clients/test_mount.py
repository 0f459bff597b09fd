"""`examples/mount.rs`: rededge under a prefix in a server with routes of its own."""

import html
import json
import math
import re
import subprocess
import threading
from urllib.parse import urlencode

import pytest
import requests

PREFIX = "/rededge"
PROXY = {"X-Forwarded-Host": "maps.example.org", "X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def mounted(binary, offered, tmp_path_factory):
    """The address of the host."""
    program = binary.parent / "examples" / "mount"
    assert program.is_file(), f"{program} is absent: run `cargo build --release --example mount`"
    folder = tmp_path_factory.mktemp("mount")
    (folder / "rededge.toml").write_text(f'store = "{folder}/store"\ntrust_proxy = true\n{offered}')
    command = [program, "127.0.0.1:0", folder / "rededge.toml"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = next((line for line in process.stderr if line.startswith("listening on ")), None)
    assert said, "the host says where it listens"
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield said.split()[-1]
    process.terminate()
    process.wait(30)


def links(value):
    """Every address in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "href" else links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


def test_the_host_keeps_its_own_routes(mounted):
    assert requests.get(f"{mounted}/farms/7", timeout=30).json() == {"farm": 7}
    assert requests.get(f"{mounted}/processes", timeout=30).status_code == 404
    lost = requests.get(f"{mounted}{PREFIX}/no-such-thing", timeout=30)
    assert lost.status_code == 404 and lost.json()["status"] == 404, "ours are answered by us"


def test_links_lead_below_the_prefix_and_do_lead_somewhere(mounted):
    base = mounted + PREFIX
    for path in ("", "/processes", "/processes/echo", "/jobs", "/collections", "/collections/dem"):
        told = requests.get(base + path, timeout=30)
        found = [href for href in links(told.json()) if not href.startswith("http://www.opengis.net")]
        assert told.status_code == 200 and found, path
        for href in found:
            assert href.startswith(base), (path, href)
            if "execution" not in href and "{" not in href:
                assert requests.get(href, timeout=30).status_code == 200, href
    api = requests.get(f"{base}/api", timeout=30).json()
    assert api["servers"][0]["url"] == base
    tiles = requests.get(f"{base}/collections/dem", timeout=30).text
    assert f"{base}/collections/dem" in tiles


@pytest.mark.parametrize("path", ["", "/processes", "/collections", "/api", "/wps?service=WPS&request=GetCapabilities"])
def test_links_behind_a_proxy_have_its_host_and_scheme(mounted, path):
    told = requests.get(mounted + PREFIX + path, headers=PROXY, timeout=30)
    assert told.status_code == 200
    assert f"https://maps.example.org{PREFIX}" in told.text
    assert mounted not in told.text


def tile_addresses(base, headers):
    """Where the documents say that the tile in the middle of `dem` is, by the kind of document."""

    def told(address):
        answer = requests.get(address, headers=headers, timeout=30)
        assert answer.status_code == 200, address
        return answer

    described = told(f"{base}/tiles/dem/tilejson.json").json()
    longitude, latitude, zoom = described["center"]
    across = 2**zoom
    column = int((longitude + 180) / 360 * across)
    row = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * across)
    yield "TileJSON", described["tiles"][0].format(z=zoom, x=column, y=row)
    place = {"tileMatrix": zoom, "tileRow": row, "tileCol": column}
    tiles = told(f"{base}/collections/dem/map/tiles/WebMercatorQuad").json()
    item = next(link for link in tiles["links"] if link["rel"] == "item" and link["type"] == "image/png")
    yield "tileset", item["href"].format(**place)
    capabilities = told(f"{base}/wmts?service=WMTS&request=GetCapabilities").text
    style = re.search(r"<Style[^>]*>.*?<ows:Identifier>([^<]+)", capabilities, re.DOTALL)[1]
    names = {"Style": style, "TileMatrixSet": "WebMercatorQuad"}
    names |= {"TileMatrix": zoom, "TileRow": row, "TileCol": column}
    template = re.search(r'format="image/png" resourceType="tile" template="([^"]+)"', capabilities)[1]
    yield "WMTS by path", template.format(**names)
    kvp = re.search(r'<ows:Operation name="GetTile">.*?xlink:href="([^"]+)"', capabilities, re.DOTALL)[1]
    asked = {"service": "WMTS", "request": "GetTile", "version": "1.0.0", "layer": "dem", "format": "image/png"}
    yield "WMTS by query", f"{html.unescape(kvp).rstrip('?')}?{urlencode(asked | names)}"
    api = told(f"{base}/api").json()
    path = next(path for path in api["paths"] if path.endswith("/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"))
    filled = path.format(collectionId="dem", styleId=style, tileMatrixSetId="WebMercatorQuad", **place)
    yield "OpenAPI", api["servers"][0]["url"] + filled


@pytest.mark.parametrize("proxy, outside", [
    ({}, None),
    (PROXY, "https://maps.example.org"),
    (PROXY | {"X-Forwarded-Prefix": "/gis"}, "https://maps.example.org/gis"),
])
def test_tiles_are_where_every_document_says(mounted, proxy, outside):
    outside = outside or mounted
    pictures = {}
    for kind, address in tile_addresses(mounted + PREFIX, proxy):
        assert address.startswith(f"{outside}{PREFIX}/"), (kind, address)
        tile = requests.get(address.replace(outside, mounted), headers={"Accept": "image/png"}, timeout=30)
        assert tile.status_code == 200 and tile.headers["Content-Type"] == "image/png", (kind, address, tile.text)
        pictures[kind] = tile.content
    assert len(pictures) == 5 and len(set(pictures.values())) == 1, "all are the same tile"
    assert pictures["TileJSON"][:8] == b"\x89PNG\r\n\x1a\n" and len(pictures["TileJSON"]) > 500, "and something is on it"


def test_a_job_and_its_results_stay_below_the_prefix(mounted):
    base = mounted + PREFIX
    started = requests.post(f"{base}/processes/echo/execution", json={"inputs": {"text": "a"}},
                            headers={"Prefer": "respond-async"}, timeout=30)
    assert started.status_code == 201 and started.headers["Location"].startswith(f"{base}/jobs/")
    behind = requests.post(f"{base}/processes/echo/execution", json={"inputs": {"text": "a"}},
                           headers={"Prefer": "respond-async", **PROXY}, timeout=30)
    assert behind.headers["Location"].startswith(f"https://maps.example.org{PREFIX}/jobs/")
    assert json.dumps(behind.json()).count(f"https://maps.example.org{PREFIX}/") >= 2


def test_pages_and_what_they_load_stand_below_the_prefix(mounted):
    page = requests.get(f"{mounted}{PREFIX}/processes/rice-map?f=html", timeout=30).text
    here = page.replace(mounted, "")
    for attribute in ('href="/', 'src="/', 'action="/'):
        for rest in here.split(attribute)[1:]:
            assert rest.startswith(PREFIX[1:]), attribute + rest[:60]
