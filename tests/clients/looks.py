"""What people look at, as requests of the soak: tiles, features and downloads, and whether an answer is whole."""

import collections
import io
import json
import math
import random
import threading

import requests
from PIL import Image


class Looks:
    """Requests for maps and features of a server's own data."""

    def __init__(self, server, word):
        self.server, self.word = server, word
        self.lock, self.counts = threading.Lock(), collections.Counter()
        self.random = random.Random(7)

    def prepare(self):
        """Reads what there is to look at."""
        session = requests.Session()
        told = session.get(f"{self.server.url}/collections/truth", timeout=60).json()
        self.bbox = told["extent"]["spatial"]["bbox"][0]
        self.dates = session.get(f"{self.server.url}/collections/ndre", timeout=60).json()["live"]["dates"]
        self.whole = session.get(f"{self.server.url}/collections/truth/coverage", timeout=60).content
        WHOLE["truth"] = self.whole

    def tile(self, zooms=range(10, 17)):
        """Level, column and row of a tile that touches the data."""
        with self.lock:
            zoom = self.random.choice(zooms)
            lon = self.random.uniform(self.bbox[0], self.bbox[2])
            lat = math.radians(self.random.uniform(self.bbox[1], self.bbox[3]))
        size = 2**zoom
        return zoom, int((lon + 180) / 360 * size), int((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * size)

    def any(self):
        with self.lock:
            name = self.random.choices(*zip(*self.MIX))[0]
            self.counts[name] += 1
        return getattr(self, name)()

    def xyz(self):
        z, x, y = self.tile()
        ending = self.word()[0] < "4" and "@2x.png" or self.word()[0] < "8" and ".webp" or ".png"
        return "GET", f"/tiles/truth/{z}/{x}/{y}{ending}", {}

    def wmts(self):
        z, x, y = self.tile()
        query = "service=WMTS&request=GetTile&version=1.0.0&layer=truth&style=default&format=image/png"
        return "GET", f"/wmts?{query}&tilematrixset=WebMercatorQuad&tilematrix={z}&tilerow={y}&tilecol={x}", {}

    def vector(self):
        z, x, y = self.tile()
        return "GET", f"/collections/samples/tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt", {}

    def live(self):
        z, x, y = self.tile(range(12, 16))
        with self.lock:
            day = self.random.choice(self.dates)
        return "GET", f"/collections/ndre/map/tiles/WebMercatorQuad/{z}/{y}/{x}?f=png&datetime={day}", {}

    def items(self):
        z, x, y = self.tile()
        with self.lock:
            narrowed = self.random.choice(["", "&filter=code%20%3E%201", "&filter=class%20%3D%20%27single-rice%27", "&sortby=-code", "&f=csv"])
            west, south = self.bbox[0] + (x % 7) / 400, self.bbox[1] + (y % 7) / 400
        place = f"&bbox={west},{south},{west + 0.01},{south + 0.01}" if z % 2 else ""
        return "GET", f"/collections/samples/items?limit=50{place}{narrowed}", {}

    def part(self):
        """Some bytes of a file."""
        with self.lock:
            first = self.random.randrange(len(self.whole) - 1)
            last = min(first + self.random.randrange(1, 65536), len(self.whole) - 1)
        return "GET", "/collections/truth/coverage", {"headers": {"Range": f"bytes={first}-{last}"}}

    def value(self):
        with self.lock:
            lon, lat = self.random.uniform(self.bbox[0], self.bbox[2]), self.random.uniform(self.bbox[1], self.bbox[3])
        return "GET", f"/collections/truth/point?lon={lon}&lat={lat}", {}

    def documents(self):
        with self.lock:
            return "GET", self.random.choice(["/collections?limit=20", "/collections/samples", "/collections/truth/statistics", "/tiles/truth/tilejson.json"]), {}

    MIX = [("xyz", 8), ("wmts", 3), ("vector", 5), ("live", 3), ("items", 5), ("part", 3), ("value", 2), ("documents", 2)]

    def of_a_job(self, collection):
        """A tile of a map that a job fills, or its document."""
        z, x, y = self.tile(range(11, 16))
        with self.lock:
            self.counts["grown"] += 1
        if self.word()[0] < "4":
            return "GET", f"/collections/{collection}", {}
        return "GET", f"/tiles/{collection}/{z}/{x}/{y}.png", {}


WHOLE = {}


def wrong(answer):
    """Why an answer is not whole; nothing where it is."""
    kind = answer.headers.get("Content-Type", "").split(";")[0]
    try:
        if answer.status_code == 206:
            return part(answer)
        if answer.status_code != 200:
            # A map that is not there any more, a busy server, a job that came to nothing: told in words.
            told = answer.json()
            return None if told.get("title") and (answer.status_code < 500 or answer.status_code == 503) else f"{answer.status_code} {answer.text[:200]}"
        if kind in ("image/png", "image/webp"):
            picture = Image.open(io.BytesIO(answer.content))
            picture.load()
            side = 512 if "@2x" in answer.url else 256
            return None if picture.size == (side, side) else f"a picture of {picture.size}"
        if kind == "application/vnd.mapbox-vector-tile":
            return layers(answer.content)
        if kind == "text/csv":
            return None if answer.text.count("\n") >= 1 else "no header"
        told = json.loads(answer.content)
        if "features" in told and told["numberReturned"] != len(told["features"]):
            return f"{told['numberReturned']} are told, {len(told['features'])} are there"
    except (ValueError, OSError, KeyError, IndexError) as error:
        return f"{answer.status_code} {kind}, {len(answer.content)} bytes: {error!r}"
    return None


def part(answer):
    """A part is what its range says of the whole file."""
    first, rest = answer.headers["Content-Range"].removeprefix("bytes ").split("-")
    last, total = rest.split("/")
    same = answer.content == WHOLE["truth"][int(first) : int(last) + 1] and int(total) == len(WHOLE["truth"])
    return None if same else f"other bytes than {answer.headers['Content-Range']} of the file"


def layers(tile):
    """A vector tile is layers (field 3), one after the other, to the last byte."""
    at = 0
    while at < len(tile):
        if tile[at] != 0x1A:
            return f"field {tile[at]:#x} at byte {at} of a vector tile"
        at, length, shift = at + 1, 0, 0
        while True:
            byte = tile[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        at += length
    return None if at == len(tile) else "a vector tile that is cut off"
